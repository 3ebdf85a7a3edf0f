// The batches of the caller, the latest first.
import { html } from '../vendor/htm-preact.js';
import { ask, SAMPLE } from '../api.js';
import { usePoll } from '../poll.js';
import { filter, href, useTitle } from '../route.js';
import { count, many, short } from '../format.js';
import { Empty, Loading, Time, Trouble } from '../parts/bits.js';
import { Search } from '../parts/search.js';
import { State, StateBar } from '../parts/state.js';

/** One line of the list. @param {{batch: Api.Batch}} props */
function Row({ batch }) {
  const { counts, digital_asset_count: total } = batch;
  const settled = counts.completed + counts.failed + counts.cancelled;
  return html`<tr>
    <td><${State} state=${batch.status} /></td>
    <td class="break"><a data-row href=${href(`batches/${batch.batch_id}`)}>${batch.name || batch.operation}</a>${batch.name && html` ${batch.operation}`}${' '}
      ${Object.entries(batch.labels || {}).map(([name, value]) => html`<span key=${name} class="tag">${name}:${value}</span> `)}<span class="quiet id" title=${batch.batch_id}>${short(batch.batch_id)}</span></td>
    <td class="wide"><${StateBar} counts=${counts} total=${total} /></td>
    <td class="number">${count(settled)}<span class="quiet"> / ${count(total)}</span></td>
    <td class="number">${counts.failed > 0 ? html`<span class="failed-text">✕ ${count(counts.failed)}<span class="unseen"> failed</span></span>` : html`<span class="quiet">–</span>`}</td>
    <td class="narrow-off"><${Time} at=${batch.created_at} /></td>
  </tr>`;
}

/** @param {{batches: Api.Batch[]}} props */
export function BatchTable({ batches }) {
  return html`<table class="rows">
    <thead><tr><th scope="col">State</th><th scope="col">Batch</th><th scope="col" class="wide">Progress</th>
      <th scope="col" class="number">Settled</th><th scope="col" class="number">Failed</th><th scope="col" class="narrow-off">Begun</th></tr></thead>
    <tbody>${batches.map((batch) => html`<${Row} key=${batch.batch_id} batch=${batch} />`)}</tbody>
  </table>`;
}

/** What to do first, where nothing was done. */
export function NoBatches() {
  return html`<${Empty} title="No batch yet">
    <p>Begin with the sample that comes with the service: <code>${SAMPLE}</code></p>
    <p><a class="button primary" href=${href('run', { urls: SAMPLE })}>Run it on the sample</a></p>
  </${Empty}>`;
}

/** @param {{query: Record<string, string>}} props */
function Filters({ query }) {
  const input = (name, label) => html`<${Search} key=${name} label=${label} value=${query[name] || ''} first=${name === 'name' || undefined}
    use=${(text) => filter({ [name]: text, cursor: '' }, { typed: true })} />`;
  return html`<div class="tools" role="search">${input('name', 'Text in the name')}${input('operation', 'Operation')}${input('labels', 'Labels, as season:autumn')}</div>`;
}

/** @param {{query: Record<string, string>}} props */
export function Batches({ query }) {
  const { cursor = '', name = '', operation = '', labels = '' } = query;
  const some = name || operation || labels;
  const { data, error, again } = usePoll(
    /** @returns {Promise<Api.BatchesPage>} */
    (signal) => ask('api/v2/batches', { query: { limit: 25, cursor, name, operation, labels }, signal }), [cursor, name, operation, labels]);
  const running = data?.batches.filter((batch) => batch.status === 'RUNNING').length;
  useTitle(running ? `${many(running, 'batch', 'batches')} running` : 'Batches');
  return html`
    <div class="head"><h1>Batches</h1><a class="button primary" href="#/run">Run…</a></div>
    <${Filters} query=${query} />
    <${Trouble} error=${error} again=${again} />
    ${!data && !error && html`<${Loading} />`}
    ${data && (data.batches.length > 0 ? html`<${BatchTable} batches=${data.batches} />`
      : cursor || some ? html`<${Empty} title=${some ? 'No batch on this page is so' : 'No older batch'}><p><a href="#/batches">All batches</a></p></${Empty}>` : html`<${NoBatches} />`)}
    ${data && (cursor || data.next_cursor) && html`<nav class="pages" aria-label="Pages">
      ${cursor && html`<a class="button" href=${href('batches', { name, operation, labels })}>The latest</a>`}
      ${data.next_cursor && html`<a class="button" href=${href('batches', { name, operation, labels, cursor: data.next_cursor })}>Older</a>`}
    </nav>`}`;
}
