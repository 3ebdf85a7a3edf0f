// A filter that is typed: it is used when somebody stops typing.
import { html, useEffect, useState } from '../vendor/htm-preact.js';

const STOPPED = 400;

/** @param {{label: string, value: string, use: (text: string) => void, first?: boolean}} props */
export function Search({ label, value, use, first }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    const typed = text.trim();
    const timer = typed === value ? 0 : setTimeout(() => use(typed), STOPPED);
    return () => clearTimeout(timer);
  }, [text]);
  return html`<input type="search" data-filter=${first} aria-label=${label} placeholder=${label} value=${text} maxlength="200"
    onInput=${(event) => setText(event.target.value)} onChange=${(event) => use(event.target.value.trim())} />`;
}
