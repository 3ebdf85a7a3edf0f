// Where the assets are: typed, pasted, or dropped as a list or as the files themselves.
import { html, useRef, useState } from '../vendor/htm-preact.js';
import { ask, SAMPLE } from '../api.js';
import { count, many } from '../format.js';
import { isList, urlsOf } from '../sources.js';

/** @param {{text: string, set: (change: (text: string) => string) => void, wrong: any[], total: number}} props */
export function Sources({ text, set, wrong, total }) {
  const [over, setOver] = useState(false);
  const [sending, setSending] = useState('');
  const [refused, setRefused] = useState([]);
  const waiting = useRef([]);
  const add = (lines) => set((before) => [before.trim(), lines].filter(Boolean).join('\n'));

  /** The URL of each file that is an asset, and those in each that is a list; one after the other. */
  async function take(files) {
    const busy = waiting.current.length > 0;
    waiting.current.push(...files);
    if (busy) return;
    setRefused([]);
    for (; waiting.current.length > 0; waiting.current.shift()) {
      const [file] = waiting.current;
      try {
        if (!isList(file)) setSending(`${file.name} is sent${waiting.current.length > 1 ? `, ${count(waiting.current.length - 1)} wait` : ''}…`);
        add(isList(file) ? urlsOf(file.name, await file.text()) : (await ask('api/v2/assets', { method: 'POST', body: file })).digital_asset_url);
      } catch (error) {
        setRefused((before) => [...before, { line: file.name, why: error.message }]);
      }
    }
    setSending('');
  }
  const drop = (event) => {
    setOver(false);
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    take(event.dataTransfer.files);
  };
  const all = [...wrong.map(({ line, why }) => ({ line: `line ${line}`, why })), ...refused];
  return html`<div class=${`sources ${over ? 'over' : ''}`} onDragOver=${(event) => { event.preventDefault(); setOver(true); }} onDragLeave=${() => setOver(false)} onDrop=${drop}>
    <label for="urls">URLs, one a line <span class="quiet">${total > 0 ? many(total, 'asset') : ''}</span></label>
    <textarea id="urls" data-filter rows="10" spellcheck=${false} wrap="off" placeholder=${SAMPLE} value=${text} aria-describedby="wrong" onInput=${(event) => set(() => event.target.value)}></textarea>
    <p class="tools"><label class="button">Add a list or files…<input type="file" class="unseen" multiple
        onChange=${(event) => { take([...event.target.files]); event.target.value = ''; }} /></label>
      <span class="quiet narrow-off">or drop them here</span>
      <button type="button" onClick=${() => add(SAMPLE)}>Add the sample</button>
      <span role="status" class="quiet">${sending}</span></p>
    <div id="wrong" class="wrong" role="status">${all.length > 0 && html`<ul>${all.slice(0, 20).map(({ line, why }) => html`<li key=${line}><span class="failed-text">✕ ${line}</span> ${why}</li>`)}
      ${all.length > 20 && html`<li class="quiet">and ${count(all.length - 20)} more</li>`}</ul>`}</div>
  </div>`;
}
