// Asks before something is done to many, and says afterwards what came of it.
import { html, useEffect, useRef, useState } from '../vendor/htm-preact.js';
import { Trouble } from './bits.js';

/**
 * A question with one button that acts.
 * @param {{title: string, children?: any, act: () => Promise<any>, verb: string, close: () => void, danger?: boolean, ready?: boolean}} props
 */
export function Confirm({ title, children, act, verb, close, danger, ready = true }) {
  const dialog = useRef(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  useEffect(() => { dialog.current.showModal(); }, []);
  async function go(event) {
    event.preventDefault();
    if (busy || !ready) return;
    setBusy(true);
    setError(null);
    try {
      await act();
      close();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  }
  return html`<dialog ref=${dialog} onClose=${close} aria-labelledby="asked">
    <form onSubmit=${go}>
      <h2 id="asked">${title}</h2>
      ${children}
      <${Trouble} error=${error} />
      <p class="buttons">
        <button type="button" onClick=${close}>Leave it</button>
        <button type="submit" class=${danger ? 'danger' : 'primary'} aria-disabled=${busy || !ready} autofocus>${verb}</button>
      </p>
    </form>
  </dialog>`;
}

/** @type {(notice: any) => void} */
let show = () => {};

/** Says what came of something. @param {any} text */
export function say(text) {
  show(text);
}

/** Where it is said. */
export function Notices() {
  const [notice, setNotice] = useState(null);
  useEffect(() => { show = setNotice; }, []);
  useEffect(() => {
    const timer = notice && setTimeout(() => setNotice(null), 8_000);
    return () => clearTimeout(timer);
  }, [notice]);
  return html`<div class="notices" role="status" aria-live="polite">${notice && html`<p>${notice}</p>`}</div>`;
}
