// What the keyboard does, wherever one is.
import { html, useEffect, useRef, useState } from '../vendor/htm-preact.js';

const KEYS = [
  ['/', 'to the filter'], ['j', 'to the next row'], ['k', 'to the row before'], ['enter', 'opens the row'], ['x', 'chooses the row'],
  ['r', 'retry, or tell again'], ['c', 'cancel'], ['g', 'to the overview'], ['?', 'this list'],
];

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof HTMLElement && target.matches('input:not([type="checkbox"]), textarea, select, [contenteditable]');
}

/** Moves the focus among the rows that are there; more are made as it moves. @param {number} by */
function move(by) {
  const rows = [...document.querySelectorAll('[data-row]')];
  const at = rows.indexOf(/** @type {Element} */ (document.activeElement));
  const next = rows[at < 0 ? 0 : Math.min(Math.max(at + by, 0), rows.length - 1)];
  if (!(next instanceof HTMLElement)) return;
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: 'center' });
}

/** Chooses the flow that has the focus, or chooses it no more. */
function choose() {
  const box = document.activeElement?.closest('tr')?.querySelector('[data-choose]');
  if (box instanceof HTMLInputElement) box.click();
}

/** Listens to the keys, and lists them where it is asked to. */
export function Keys() {
  const [listed, setListed] = useState(false);
  const dialog = useRef(null);
  useEffect(() => {
    const pressed = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector('dialog[open]')) return;
      const actions = {
        j: () => move(1), k: () => move(-1), '?': () => setListed(true), g: () => { location.hash = '#/overview'; },
        '/': () => document.querySelector('[data-filter]'), r: () => document.querySelector('[data-key="r"]'),
        c: () => document.querySelector('[data-key="c"]'), x: choose,
      };
      const act = Object.hasOwn(actions, event.key) && actions[event.key];
      if (!act) return;
      event.preventDefault();
      const target = act();
      if (target instanceof HTMLInputElement) target.select();
      if (target instanceof HTMLButtonElement) target.click();
      else if (target instanceof HTMLElement) target.focus();
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, []);
  useEffect(() => { if (listed) dialog.current.showModal(); }, [listed]);
  if (!listed) return null;
  return html`<dialog ref=${dialog} onClose=${() => setListed(false)} aria-labelledby="keys">
    <h2 id="keys">Keys</h2>
    <dl class="keys">${KEYS.map(([key, what]) => html`<div key=${key}><dt><kbd>${key}</kbd></dt><dd>${what}</dd></div>`)}</dl>
    <p class="buttons"><button type="button" onClick=${() => dialog.current.close()}>Close</button></p>
  </dialog>`;
}
