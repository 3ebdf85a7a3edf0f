// One batch: how it is doing, why flows failed, its flows, and what may be done about them.
import { html, useState } from '../vendor/htm-preact.js';
import { curl } from '../api.js';
import { download } from '../download.js';
import { useFlows } from '../flows.js';
import { filter, href, useTitle } from '../route.js';
import { count, short } from '../format.js';
import { Copy, Empty, Loading, Time, Trouble } from '../parts/bits.js';
import { Cancel, Retry } from '../parts/actions.js';
import { say } from '../parts/dialog.js';
import { Failures } from '../parts/failures.js';
import { Search } from '../parts/search.js';
import { Sheet } from '../parts/sheet.js';
import { State, StateBar, STATES } from '../parts/state.js';
import { FlowTable } from '../parts/table.js';

/** The states to choose from, with how many there are of each. @param {{counts: Api.BatchCounts, chosen: string}} props */
function Filters({ counts, chosen }) {
  const choice = (state, label, n) => html`<button type="button" key=${state} aria-pressed=${chosen === state}
    onClick=${() => filter({ state, code: '' })}>${state ? html`<${State} state=${state} />` : label} <span class="number">${count(n)}</span></button>`;
  return html`<div class="choices" role="group" aria-label="States">
    ${choice('', 'All', counts.total)}${STATES.map((state) => choice(state, '', counts[state.toLowerCase()]))}</div>`;
}

/** @param {{id: string, filters: any}} props */
function Downloads({ id, filters }) {
  const [busy, setBusy] = useState('');
  const take = async (kind) => {
    setBusy('0');
    try {
      await download(id, kind, filters, (done) => setBusy(count(done)));
    } catch (error) {
      say(`The file was not made: ${error.message}`);
    }
    setBusy('');
  };
  return html`<span class="downloads">${busy ? html`<span role="status">${busy} flows…</span>` : html`
    <button type="button" onClick=${() => take('csv')}>Download CSV</button>
    <button type="button" onClick=${() => take('ndjson')}>NDJSON</button>`}</span>`;
}

/** @param {{id: string, query: Record<string, string>}} props */
export function Batch({ id, query }) {
  const { state = '', code = '', url = '', show = 'table' } = query;
  const { data, last, error, again, look } = useFlows(id, { state, code, url });
  const [asked, setAsked] = useState(null);
  const close = () => setAsked(null);
  // Until other filters are answered, what was seen before stays: who types goes on typing.
  const seen = data || last;
  const batch = seen?.batch;
  useTitle(!batch ? 'Batch' : batch.counts.failed > 0 ? `${count(batch.counts.failed)} failed` : `${batch.operation} ${batch.status.toLowerCase()}`);
  if (!batch) return html`<h1>Batch <span class="id">${short(id)}</span></h1>${error ? html`<${Trouble} error=${error} again=${again} />` : html`<${Loading} />`}`;
  const { counts, digital_asset_count: total } = batch;
  const settled = counts.completed + counts.failed + counts.cancelled;
  const shown = { state, code, url };
  const some = code || url;
  const flows = data || !error ? seen.flows : [];
  const pick = (group) => filter(code === group.code ? { code: '', state: '' } : { code: group.code, state: 'FAILED' });
  return html`
    <p class="crumbs"><a href="#/batches">Batches</a></p>
    <div class="head">
      <h1>${batch.name || batch.operation} <${State} state=${batch.status} /></h1>
      <div class="buttons">
        ${counts.failed > 0 && html`<button type="button" data-key="r" class="primary" onClick=${() => setAsked({ retry: { code, url } })}>Retry ${some ? 'these' : `${count(counts.failed)} failed`}…</button>`}
        ${counts.pending > 0 && html`<button type="button" data-key="c" onClick=${() => setAsked({ cancel: { url } })}>Cancel ${url ? 'these' : `${count(counts.pending)} pending`}…</button>`}
      </div>
    </div>
    <p class="facts">
      <span>Batch <${Copy} text=${id} label="Copy the batch’s id"><code>${short(id)}</code></${Copy}></span>
      ${batch.name && html`<span>${batch.operation}</span>`}
      <span>begun <${Time} at=${batch.created_at} /></span>
      ${batch.completed_at && html`<span>complete <${Time} at=${batch.completed_at} /></span>`}
      ${Object.entries(batch.labels || {}).map(([name, value]) => html`<a key=${name} class="tag" href=${href('batches', { labels: `${name}:${value}` })}>${name}:${value}</a>`)}
      ${batch.retry_of && html`<span>a retry of <a href=${href(`batches/${batch.retry_of}`)}>${short(batch.retry_of)}</a></span>`}
      <span><${Copy} text=${curl(`api/v2/batches/${id}`)} label="Copy as curl" /></span>
    </p>
    <div class="progress"><${StateBar} counts=${counts} total=${total} /><span class="number">${count(settled)} of ${count(total)} settled</span></div>
    <${Trouble} error=${error} again=${again} />
    ${seen.groups.length > 0 && html`<section aria-labelledby="failures"><h2 id="failures">Failures</h2><${Failures} groups=${seen.groups} actions=${(group) => html`
      <button type="button" aria-pressed=${code === group.code} onClick=${() => pick(group)}>${code === group.code ? 'Show all' : 'Show these'}</button>
      <button type="button" aria-label=${`Retry those with ${group.code}…`} onClick=${() => setAsked({ retry: { code: group.code } })}>Retry…</button>`} /></section>`}
    <section aria-labelledby="flows"><h2 id="flows" class="unseen">Flows</h2>
      <div class="tools">
        <${Filters} counts=${counts} chosen=${state} />
        ${code && html`<span class="tag">code <code>${code}</code> <button type="button" class="plain" aria-label="Any code" onClick=${() => filter({ code: '' })}>×</button></span>`}
        <${Search} first label="Text in the URL" value=${url} use=${(text) => filter({ url: text }, { typed: true })} />
        <div class="choices" role="group" aria-label="Shown as">
          <button type="button" aria-pressed=${show === 'table'} onClick=${() => filter({ show: '' })}>☰ Table</button>
          <button type="button" aria-pressed=${show === 'sheet'} onClick=${() => filter({ show: 'sheet' })}>▦ Sheet</button>
        </div>
        <${Downloads} id=${id} filters=${shown} />
      </div>
      <div aria-busy=${!data}>${flows.length === 0 ? html`<${Empty} title="No flow is so"><p><a href=${href(`batches/${id}`)}>All ${count(total)}</a></p></${Empty}>`
        : show === 'sheet' ? html`<${Sheet} flows=${flows} look=${look} />`
        : html`<${FlowTable} flows=${flows} total=${state || code || url ? -1 : total} look=${look} />`}
      ${seen.more && html`<p class="quiet more" role="status">${count(flows.length)} are shown; more come as you scroll.</p>`}</div>
    </section>
    ${asked?.retry && html`<${Retry} id=${id} filters=${asked.retry} close=${close} />`}
    ${asked?.cancel && html`<${Cancel} id=${id} filters=${asked.cancel} again=${again} close=${close} />`}`;
}
