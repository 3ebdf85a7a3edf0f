// Small things that every view has.
import { html, useEffect, useState } from '../vendor/htm-preact.js';
import { exact, relative } from '../format.js';
import { readsOnly } from '../key.js';

/** A time as it is now, exact where it is pointed at. @param {{at?: string}} props */
export function Time({ at }) {
  const [, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTick((tick) => tick + 1), 10_000);
    return () => clearInterval(timer);
  }, []);
  return at ? html`<time datetime=${at} title=${exact(at)}>${relative(at)}</time>` : html`<span class="quiet">–</span>`;
}

/** Copies a text. @param {{text: string, label: string, children?: any}} props */
export function Copy({ text, label, children }) {
  const [done, setDone] = useState('');
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      setDone('copied');
    } catch {
      // Without https there is no clipboard for pages.
      setDone('select it and copy');
    }
    setTimeout(() => setDone(''), 2_000);
  }
  return html`<button type="button" class="copy" title=${text} onClick=${copy}>${children && html`<span class="unseen">${label} </span>`}${done || children || label}</button>`;
}

/**
 * A button that starts or stops something: off for whoever may only read.
 * @param {{act: () => void, kind?: string, keyed?: string, label?: string, children?: any}} props
 */
export function Act({ act, kind, keyed, label, children }) {
  const off = readsOnly();
  return html`<button type="button" class=${kind} data-key=${keyed} aria-label=${label} aria-disabled=${off || undefined}
    title=${off ? 'Your key is for reading alone' : undefined} onClick=${() => { if (!off) act(); }}>${children}</button>`;
}

/** A problem as the API says it, with a way to try again. @param {{error: any, again?: () => void}} props */
export function Trouble({ error, again }) {
  if (!error) return null;
  return html`<div class="trouble" role="alert">
    <p><strong>${error.message || String(error)}</strong></p>
    <p class="quiet"><code>${error.code || 'error'}</code>${error.requestId && html` · request <code>${error.requestId}</code>`}</p>
    ${again && html`<button type="button" onClick=${again}>Ask again</button>`}
  </div>`;
}

/** What is shown until the first answer: nothing, for as long as nobody would notice. */
export function Loading() {
  return html`<p class="loading" role="status">Asking…</p>`;
}

/** @param {{title: string, children?: any}} props */
export function Empty({ title, children }) {
  return html`<div class="empty"><h2>${title}</h2>${children}</div>`;
}
