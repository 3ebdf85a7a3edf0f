// What may be done to many flows: first it is told to how many.
import { html, useEffect, useState } from '../vendor/htm-preact.js';
import { ask, idempotencyKey } from '../api.js';
import { href } from '../route.js';
import { count, many } from '../format.js';
import { Trouble } from './bits.js';
import { Confirm, say } from './dialog.js';

/**
 * Flows of a batch, or of all batches: those that a filter finds, or those with these ids.
 * @typedef {{batch?: string, filters?: Record<string, any>, ids?: string[], group?: Api.FailureGroup}} Meant
 * @param {'retry' | 'cancel'} verb @param {Meant} meant
 * @param {{query?: Record<string, any>, headers?: Record<string, string>, signal?: AbortSignal}} [more]
 */
function send(verb, { batch, filters = {}, ids }, { query = {}, ...more } = {}) {
  const path = batch ? `api/v2/batches/${batch}/${verb}` : `api/v2/flows/${verb}`;
  return ask(path, { method: 'POST', query: { ...filters, ...query }, body: ids && { flow_ids: ids }, ...more });
}

/** To how many flows it would be done. @param {'retry' | 'cancel'} verb @param {Meant} meant @param {string} field */
function useCount(verb, meant, field) {
  const [told, setTold] = useState({ n: -1, complete: true, error: null });
  useEffect(() => {
    const control = new AbortController();
    send(verb, meant, { query: { dry_run: true }, signal: control.signal })
      .then((answer) => setTold({ n: answer[field], complete: answer.complete !== false, error: null }))
      .catch((error) => { if (!control.signal.aborted) setTold({ n: -1, complete: true, error }); });
    return () => control.abort();
  }, []);
  return told;
}

/** Which of them, in words. @param {{meant: Meant, complete: boolean}} props */
function Which({ meant: { filters = {}, ids, group }, complete }) {
  const said = Object.entries(filters).filter(([name, value]) => value && name !== 'group' && name !== 'since');
  return html`
    ${ids?.length > 1 && html`<p>Of the ${count(ids.length)} that you chose.</p>`}
    ${group && html`<p>Those with <code>${group.code}</code>: ${group.message}</p>`}
    ${filters.since && html`<p>Of all batches, in the last 24 hours.</p>`}
    ${said.length > 0 && html`<p>Those with ${said.map(([name, value], at) => html`${at > 0 ? ' and ' : ''}${name} <code class="break">${value}</code>`)}.</p>`}
    ${!complete && html`<p>Of the latest batches alone: there are older ones.</p>`}`;
}

/** @param {{meant: Meant, close: () => void, done?: () => void}} props */
export function Retry({ meant, close, done = () => {} }) {
  const { n, complete, error } = useCount('retry', meant, 'digital_asset_count');
  const [key] = useState(idempotencyKey);
  async function act() {
    const { digital_asset_count: begun, batches, batch_id: alone } = await send('retry', meant, { headers: { 'idempotency-key': key } });
    const ids = batches ? batches.map((batch) => batch.batch_id) : [alone];
    say(`${many(begun, 'flow')} begun again, as ${ids.length === 1 ? 'a batch' : `${count(ids.length)} batches`} of their own.`);
    done();
    location.hash = href(ids.length === 1 ? `batches/${ids[0]}` : 'batches');
  }
  return html`<${Confirm} title=${n < 0 ? 'Retry what failed?' : n === 0 ? 'Nothing to retry' : `Retry ${many(n, 'flow')}?`} verb=${n <= 0 ? 'Retry' : `Retry ${count(n)}`} ready=${n > 0} act=${act} close=${close}>
    <${Which} meant=${meant} complete=${complete} /><p>${n === 0 ? 'None of them failed in a way that can be run again, or a later batch does so already. What was cancelled, or whose URL was refused, can be sent as a new batch.'
      : 'They are run again with the same operation and parameters, as a new batch. What failed stays as it is.'}</p><${Trouble} error=${error} />
  </${Confirm}>`;
}

/** @param {{meant: Meant, close: () => void, done: () => void}} props */
export function Cancel({ meant, close, done }) {
  const { n, complete, error } = useCount('cancel', meant, 'cancelled');
  async function act() {
    const { cancelled } = await send('cancel', meant);
    say(`${many(cancelled, 'flow')} cancelled.`);
    done();
  }
  return html`<${Confirm} danger title=${n < 0 ? 'Cancel what is pending?' : n === 0 ? 'Nothing to cancel' : `Cancel ${many(n, 'pending flow')}?`} verb=${n <= 0 ? 'Cancel' : `Cancel ${count(n)}`} ready=${n > 0} act=${act} close=${close}>
    <${Which} meant=${meant} complete=${complete} /><p>${n === 0 ? 'None of them is pending.' : 'Flows that are running go on. It can’t be undone; the assets can be sent again.'}</p><${Trouble} error=${error} />
  </${Confirm}>`;
}

/** The question that is open, if one is. @param {{asked: {verb: string, meant: Meant} | null, close: () => void, done?: () => void}} props */
export function Asked({ asked, close, done = () => {} }) {
  if (!asked) return null;
  return asked.verb === 'retry' ? html`<${Retry} meant=${asked.meant} close=${close} done=${done} />`
    : html`<${Cancel} meant=${asked.meant} close=${close} done=${done} />`;
}
