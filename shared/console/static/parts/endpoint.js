// What is done with an endpoint: it is made, given a new secret, or removed; and its secret, which is shown once.
import { html, useEffect, useRef, useState } from '../vendor/htm-preact.js';
import { ask } from '../api.js';
import { Copy } from './bits.js';
import { Confirm, say } from './dialog.js';

/** What an endpoint can be told of. */
const EVENTS = [
  ['batch.completed', 'the last flow of a batch settled'], ['batch.progress', 'some of its flows did, at most twice a second'],
  ['flow.settled', 'a flow reached its final state'],
  ['operation.paused', 'an operator stopped an operation'],
];

/** Where an endpoint is in the API. @param {string} id */
export const at = (id) => `api/v2/webhooks/${encodeURIComponent(id)}`;

/** @param {{endpoint: Api.NewWebhook, close: () => void}} props */
function Secret({ endpoint: { url, secret }, close }) {
  const dialog = useRef(null);
  useEffect(() => { dialog.current.showModal(); }, []);
  return html`<dialog ref=${dialog} onClose=${close} aria-labelledby="secret"><div class="stack">
    <h2 id="secret">Its secret</h2>
    <p>What <span class="break">${url}</span> is sent is signed with this. It is shown here, and not again.</p>
    <p><code class="secret">${secret}</code></p>
    <p class="buttons"><${Copy} text=${secret} label="Copy the secret" />
      <button type="button" class="primary" autofocus onClick=${() => dialog.current.close()}>I have it</button></p>
  </div></dialog>`;
}

/** @param {{close: () => void, made: (endpoint: Api.NewWebhook) => void}} props */
function Make({ close, made }) {
  const [url, setUrl] = useState('');
  const [events, setEvents] = useState(['batch.completed']);
  const choose = (event) => setEvents(events.includes(event) ? events.filter((one) => one !== event) : [...events, event]);
  const act = async () => made(await ask('api/v2/webhooks', { method: 'POST', body: { url: url.trim(), events } }));
  return html`<${Confirm} title="Make an endpoint" verb="Make it" ready=${url.trim() !== '' && events.length > 0} act=${act} close=${close}>
    <label class="stacked">Where to post to <input type="text" inputmode="url" autocomplete="off" spellcheck=${false} autofocus placeholder="https://" maxlength="2048" value=${url} onInput=${(event) => setUrl(event.target.value)} /></label>
    <fieldset><legend>What to tell it of</legend>
      ${EVENTS.map(([event, when]) => html`<label key=${event}><input type="checkbox" checked=${events.includes(event)} onChange=${() => choose(event)} />
        <span><code>${event}</code> <span class="quiet">${when}</span></span></label>`)}</fieldset>
  </${Confirm}>`;
}

/** @param {{id: string, url: string, close: () => void, made: (endpoint: Api.NewWebhook) => void}} props */
function Rotate({ id, url, close, made }) {
  const act = async () => made(await ask(`${at(id)}/rotate`, { method: 'POST' }));
  return html`<${Confirm} title="Make a new secret?" verb="Make it" act=${act} close=${close}>
    <p>For <span class="break">${url}</span>. The one that it has now signs too for 24 hours.</p></${Confirm}>`;
}

/** @param {{id: string, url: string, ofBatch: boolean, close: () => void, gone: () => void}} props */
function Remove({ id, url, ofBatch, close, gone }) {
  async function act() {
    await ask(at(id), { method: 'DELETE' });
    say(ofBatch ? 'It is told nothing any more.' : 'The endpoint is removed.');
    gone();
  }
  return html`<${Confirm} danger title=${ofBatch ? 'Disable this endpoint?' : 'Remove this endpoint?'} verb=${ofBatch ? 'Disable' : 'Remove'} act=${act} close=${close}>
    <p class="break">${url}</p><p>What it was not told yet it never is. ${ofBatch ? 'Its log stays.' : 'Its log is gone.'} It can’t be undone.</p></${Confirm}>`;
}

/**
 * What is asked about an endpoint, and then its secret where there is a new one.
 * @typedef {{verb: 'make' | 'rotate' | 'remove', id?: string, url?: string, ofBatch?: boolean}} Asked
 * @param {{asked: Asked | null, close: () => void, again: () => void, gone: () => void}} props
 */
export function AskedOfEndpoint({ asked, close, again, gone }) {
  const [shown, setShown] = useState(null);
  const made = (endpoint) => { setShown(endpoint); again(); };
  const { verb, id, url, ofBatch } = asked || {};
  return html`
    ${verb === 'make' && html`<${Make} close=${close} made=${made} />`}
    ${verb === 'rotate' && html`<${Rotate} id=${id} url=${url} close=${close} made=${made} />`}
    ${verb === 'remove' && html`<${Remove} id=${id} url=${url} ofBatch=${ofBatch} close=${close} gone=${gone} />`}
    ${shown && html`<${Secret} endpoint=${shown} close=${() => setShown(null)} />`}`;
}
