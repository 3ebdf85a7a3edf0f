// A filter that is typed: it is used when somebody stops typing.
import { html, useEffect, useRef, useState } from '../vendor/htm-preact.js';

const STOPPED = 400;

/** @param {{label: string, value: string, use: (text: string) => void, first?: boolean}} props */
export function Search({ label, value, use, first }) {
  const [text, setText] = useState(value);
  // What was last used or given: an echo of what was typed does not replace what is typed meanwhile, and nothing is used twice.
  const used = useRef(value);
  const take = (typed) => {
    if (typed === used.current) return;
    used.current = typed;
    use(typed);
  };
  useEffect(() => {
    if (value === used.current) return;
    used.current = value;
    setText(value);
  }, [value]);
  useEffect(() => {
    const timer = setTimeout(() => take(text.trim()), STOPPED);
    return () => clearTimeout(timer);
  }, [text]);
  return html`<input type="search" data-filter=${first} aria-label=${label} placeholder=${label} value=${text} maxlength="200"
    onInput=${(event) => setText(event.target.value)} onChange=${(event) => take(event.target.value.trim())} />`;
}
