// What a batch is called, and what it is labelled with.
import { html } from '../vendor/htm-preact.js';

/** `season:autumn, shop:de` as an object; nothing of nothing. @param {string} text */
export function labelsOf(text) {
  const pairs = text.split(',').map((part) => part.trim()).filter(Boolean).map((part) => {
    const [name, ...value] = part.split(':');
    return [name.trim(), value.join(':').trim()];
  });
  return pairs.length > 0 ? Object.fromEntries(pairs) : undefined;
}

/** What the batch is found by later. @param {{title: string, setTitle: any, labels: string, setLabels: any, errors: Record<string, string>}} props */
export function Naming({ title, setTitle, labels, setLabels, errors }) {
  const field = (id, label, value, set, hint, error) => html`<div class="field" key=${id}><label for=${id}>${label}</label>
    <input id=${id} type="text" value=${value} aria-describedby=${`${id}-hint`} aria-invalid=${error ? 'true' : undefined} onInput=${(event) => set(event.target.value)} />
    <small id=${`${id}-hint`} class="quiet">${error && html`<span class="failed-text">✕ ${error} </span>`}${hint}</small></div>`;
  return html`<div class="fields">${field('batch-name', 'Name', title, setTitle, 'What to call the batch; may be left out', errors['/name'])}
    ${field('batch-labels', 'Labels', labels, setLabels, 'As season:autumn, shop:de; may be left out', errors['/labels'])}</div>`;
}
