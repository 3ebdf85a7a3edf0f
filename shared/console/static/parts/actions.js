// What may be done to many flows: first it is told to how many.
import { html, useEffect, useState } from '../vendor/htm-preact.js';
import { ask, idempotencyKey } from '../api.js';
import { href } from '../route.js';
import { count, many } from '../format.js';
import { Trouble } from './bits.js';
import { Confirm, say } from './dialog.js';

/** To how many flows it would be done. @param {string} path @param {Record<string, any>} filters @param {string} field */
function useCount(path, filters, field) {
  const [told, setTold] = useState({ n: -1, error: null });
  useEffect(() => {
    const control = new AbortController();
    ask(path, { method: 'POST', query: { ...filters, dry_run: true }, signal: control.signal })
      .then((answer) => setTold({ n: answer[field], error: null }))
      .catch((error) => { if (!control.signal.aborted) setTold({ n: -1, error }); });
    return () => control.abort();
  }, []);
  return told;
}

/** Which of them, in words. @param {{filters: Record<string, any>}} props */
function Which({ filters }) {
  const said = Object.entries(filters).filter(([, value]) => value);
  return said.length > 0 && html`<p>Those with ${said.map(([name, value], at) => html`${at > 0 ? ' and ' : ''}${name} <code class="break">${value}</code>`)}.</p>`;
}

/** @param {{id: string, filters: Record<string, any>, close: () => void}} props */
export function Retry({ id, filters, close }) {
  const path = `api/v2/batches/${id}/retry`;
  const { n, error } = useCount(path, filters, 'digital_asset_count');
  const [key] = useState(idempotencyKey);
  async function act() {
    const started = await ask(path, { method: 'POST', query: filters, headers: { 'idempotency-key': key } });
    say(`${many(started.digital_asset_count, 'flow')} begun again, as this batch of their own.`);
    location.hash = href(`batches/${started.batch_id}`);
  }
  return html`<${Confirm} title=${n < 0 ? 'Retry what failed?' : `Retry ${many(n, 'flow')}?`} verb=${n < 0 ? 'Retry' : `Retry ${count(n)}`} ready=${n > 0} act=${act} close=${close}>
    <${Which} filters=${filters} /><p>They are run again with the same operation and parameters, as a new batch. This one stays as it is.</p><${Trouble} error=${error} />
  </${Confirm}>`;
}

/** @param {{id: string, filters: Record<string, any>, close: () => void, again: () => void}} props */
export function Cancel({ id, filters, close, again }) {
  const path = `api/v2/batches/${id}/cancel`;
  const { n, error } = useCount(path, filters, 'cancelled');
  async function act() {
    const done = await ask(path, { method: 'POST', query: filters });
    say(`${many(done.cancelled, 'flow')} cancelled.`);
    again();
  }
  return html`<${Confirm} danger title=${n < 0 ? 'Cancel what is pending?' : `Cancel ${many(n, 'pending flow')}?`} verb=${n < 0 ? 'Cancel' : `Cancel ${count(n)}`} ready=${n > 0} act=${act} close=${close}>
    <${Which} filters=${filters} /><p>Flows that are running go on. It can’t be undone; the assets can be sent again.</p><${Trouble} error=${error} />
  </${Confirm}>`;
}
