// One batch: how it is doing, why flows failed, its flows, and what may be done about them.
import { html, useState } from '../vendor/htm-preact.js';
import { curl } from '../api.js';
import { download } from '../download.js';
import { useFlows } from '../flows.js';
import { filter, href, useTitle } from '../route.js';
import { count, short } from '../format.js';
import { Act, Copy, Empty, Loading, Time, Trouble } from '../parts/bits.js';
import { Asked } from '../parts/actions.js';
import { Chosen } from '../parts/chosen.js';
import { say } from '../parts/dialog.js';
import { Failures } from '../parts/failures.js';
import { Search } from '../parts/search.js';
import { Sheet } from '../parts/sheet.js';
import { State, StateBar, STATES } from '../parts/state.js';
import { FlowTable } from '../parts/table.js';

/** The states to choose from, with how many there are of each. @param {{counts: Api.BatchCounts, chosen: string}} props */
function Filters({ counts, chosen }) {
  const choice = (state, label, n) => html`<button type="button" key=${state} aria-pressed=${chosen === state}
    onClick=${() => filter({ state, code: '', group: '' })}>${state ? html`<${State} state=${state} />` : label} <span class="number">${count(n)}</span></button>`;
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
  const { state = '', code = '', url = '', group = '', show = 'table' } = query;
  const { data, last, error, again, look } = useFlows(id, { state, code, url, group });
  const [asked, setAsked] = useState(null);
  const [chosen, setChosen] = useState(/** @type {Set<string>} */ (new Set()));
  // Until other filters are answered, what was seen before stays: who types goes on typing.
  const seen = data || last;
  const batch = seen?.batch;
  useTitle(!batch ? 'Batch' : batch.counts.failed > 0 ? `${count(batch.counts.failed)} failed` : `${batch.operation} ${batch.status.toLowerCase()}`);
  if (!batch) return html`<h1>Batch <span class="id">${short(id)}</span></h1>${error ? html`<${Trouble} error=${error} again=${again} />` : html`<${Loading} />`}`;
  const { counts, digital_asset_count: total } = batch;
  const settled = counts.completed + counts.failed + counts.cancelled;
  const shown = { state, code, url, group };
  const some = code || url || group;
  const flows = data || !error ? seen.flows : [];
  const picked = seen.groups.find((one) => one.id === group);
  const retry = (one) => setAsked({ verb: 'retry', meant: { batch: id, filters: { group: one.id }, group: one } });
  const choose = (flow) => {
    const next = new Set(chosen);
    if (!next.delete(flow)) next.add(flow);
    setChosen(next);
  };
  return html`
    <p class="crumbs"><a href="#/batches">Batches</a></p>
    <div class="head">
      <h1>${batch.name || batch.operation} <${State} state=${batch.status} /></h1>
      <div class="buttons">
        ${counts.failed > 0 && html`<${Act} keyed=${chosen.size > 0 ? undefined : 'r'} kind="primary" act=${() => setAsked({ verb: 'retry', meant: { batch: id, filters: { code, url, group }, group: picked } })}>Retry ${some ? 'these' : `${count(counts.failed)} failed`}…</${Act}>`}
        ${counts.pending > 0 && html`<${Act} keyed=${chosen.size > 0 ? undefined : 'c'} act=${() => setAsked({ verb: 'cancel', meant: { batch: id, filters: { url } } })}>Cancel ${url ? 'these' : `${count(counts.pending)} pending`}…</${Act}>`}
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
    ${seen.groups.length > 0 && html`<section aria-labelledby="failures"><h2 id="failures">Failures</h2><${Failures} groups=${seen.groups} retry=${retry} more=${(one) => html`
      <button type="button" aria-pressed=${one === picked} onClick=${() => filter(one === picked ? { group: '', state: '' } : { group: one.id, state: 'FAILED', code: '' })}>${one === picked ? 'Show all' : 'Show these'}</button>`} /></section>`}
    <section aria-labelledby="flows"><h2 id="flows" class="unseen">Flows</h2>
      <div class="tools">
        <${Filters} counts=${counts} chosen=${state} />
        ${code && html`<span class="tag">code <code>${code}</code> <button type="button" class="plain" aria-label="Any code" onClick=${() => filter({ code: '' })}>×</button></span>`}
        ${group && html`<span class="tag">group <code>${picked ? picked.code : group}</code> <button type="button" class="plain" aria-label="Any group" onClick=${() => filter({ group: '' })}>×</button></span>`}
        <${Search} first label="Text in the URL" value=${url} use=${(text) => filter({ url: text }, { typed: true })} />
        <div class="choices" role="group" aria-label="Shown as">
          <button type="button" aria-pressed=${show === 'table'} onClick=${() => filter({ show: '' })}>☰ Table</button>
          <button type="button" aria-pressed=${show === 'sheet'} onClick=${() => filter({ show: 'sheet' })}>▦ Sheet</button>
        </div>
        <${Downloads} id=${id} filters=${shown} />
      </div>
      <div aria-busy=${!data}>${flows.length === 0 ? html`<${Empty} title="No flow is so"><p><a href=${href(`batches/${id}`)}>All ${count(total)}</a></p></${Empty}>`
        : show === 'sheet' ? html`<${Sheet} flows=${flows} look=${look} />`
        : html`<${FlowTable} flows=${flows} total=${state || some ? -1 : total} look=${look} chosen=${chosen} choose=${choose} />`}
      ${seen.more && html`<p class="quiet more" role="status">${count(flows.length)} are shown; more come as you scroll.</p>`}</div>
    </section>
    ${chosen.size > 0 && html`<${Chosen} chosen=${chosen} set=${setChosen} ask=${setAsked} />`}
    <${Asked} asked=${asked} close=${() => setAsked(null)} done=${() => { setChosen(new Set()); again(); }} />`;
}
