// One flow: what came of it, what happened to it, and why it waits.
import { html, useState } from '../vendor/htm-preact.js';
import { ask, curl } from '../api.js';
import { steady } from '../flows.js';
import { usePoll } from '../poll.js';
import { href, useTitle } from '../route.js';
import { lasting, linkable, many, short } from '../format.js';
import { Act, Copy, Loading, Time, Trouble } from '../parts/bits.js';
import { Asked } from '../parts/actions.js';
import { Compare } from '../parts/compare.js';
import { State, waits } from '../parts/state.js';
import { isText, ResultText } from '../parts/text.js';
import { Waterfall } from '../parts/waterfall.js';

/** Why it is where it is, in a sentence or two. @param {{flow: Api.Flow}} props */
function Why({ flow }) {
  const { error, unconfirmed_calls: uncertain } = flow;
  return html`
    ${flow.waiting && html`<p class="why waits"><span aria-hidden="true">◷</span> It waits for ${waits(flow)}${flow.waiting.until && html`, until <${Time} at=${flow.waiting.until} />`}.</p>`}
    ${error && html`<p class="why failed"><code>${error.code}</code> ${error.message}<br /><span class="quiet">${error.retryable ? 'Another try may help.' : 'Another try won’t help as it is.'}</span></p>`}
    ${uncertain > 0 && html`<p class="why paid"><strong>${many(uncertain, 'paid call')}</strong> of which nobody knows the end: each may have been charged. Look it up at the vendor.</p>`}`;
}

/** What it was asked for, and the names it goes by. @param {{flow: Api.Flow}} props */
function Facts({ flow }) {
  const rows = [
    ['Asset', html`<span class="break">${flow.digital_asset_url}</span> ${linkable(flow.digital_asset_url) && html`<a href=${flow.digital_asset_url} target="_blank" rel="noopener noreferrer">open</a>`}`],
    ['Operation', flow.operation],
    ['Parameters', html`<code class="break">${JSON.stringify(flow.params)}</code>`],
    ['Flow', html`<${Copy} text=${flow.flow_id} label="Copy the flow’s id"><code>${flow.flow_id}</code></${Copy}> <span class="quiet">its log lines carry it as flow_id</span>`],
    ['Batch', html`<a href=${href(`batches/${flow.batch_id}`)}><code>${flow.batch_id}</code></a> <span class="quiet">flow ${flow.index + 1} of it</span>`],
    flow.result && ['Digest', html`<code class="break">sha256 ${flow.result.sha256}</code>`],
    ['Accepted', html`<${Time} at=${flow.created_at} />`],
    flow.settled_at && ['Settled', html`<${Time} at=${flow.settled_at} /> <span class="quiet">${lasting(Date.parse(flow.settled_at) - Date.parse(flow.created_at))} after</span>`],
  ];
  return html`<dl class="details">${rows.filter(Boolean).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** @param {{id: string}} props */
export function Flow({ id }) {
  const { data: flow, error, again } = usePoll(
    /** @returns {Promise<Api.Flow>} */
    async (signal) => steady(await ask(`api/v2/transforms/${encodeURIComponent(id)}`, { signal })), [id],
    (one) => [one.state, one.attempts, one.waiting, one.history]);
  const [asked, setAsked] = useState(null);
  useTitle(flow ? `${flow.error ? `${flow.error.code} ` : ''}${flow.state.toLowerCase()} flow` : 'Flow');
  if (!flow) return html`<h1>Flow <span class="id">${short(id)}</span></h1>${error ? html`<${Trouble} error=${error} again=${again} />` : html`<${Loading} />`}`;
  const question = (verb) => () => setAsked({ verb, meant: { ids: [id] } });
  const urls = /^(https?|asset):/.test(flow.digital_asset_url) ? flow.digital_asset_url : '';
  return html`
    <p class="crumbs"><a href="#/batches">Batches</a> / <a href=${href(`batches/${flow.batch_id}`)}>${flow.operation} ${short(flow.batch_id)}</a></p>
    <div class="head">
      <h1>Flow <span class="id">${short(id)}</span> <${State} state=${flow.state} more=${flow.attempts > 0 ? many(flow.attempts, 'attempt') : ''} /></h1>
      <div class="buttons">
        ${flow.state === 'FAILED' && html`<${Act} keyed="r" kind="primary" act=${question('retry')}>Retry…</${Act}>`}
        ${flow.state === 'PENDING' && html`<${Act} keyed="c" act=${question('cancel')}>Cancel…</${Act}>`}
        <a class="button" href=${href('run', { operation: flow.operation, urls, params: JSON.stringify(flow.params) })}>Run it again…</a>
        <${Copy} text=${curl(`api/v2/transforms/${id}`)} label="Copy as curl" />
      </div>
    </div>
    <${Trouble} error=${error} again=${again} />
    <${Why} flow=${flow} />
    <div class="columns">
      <${Compare} flow=${flow} />
      <section aria-labelledby="facts"><h2 id="facts">What it is</h2><${Facts} flow=${flow} /></section>
    </div>
    ${flow.result && isText(flow.result.media_type) && html`<${ResultText} result=${flow.result} />`}
    ${flow.history?.events.length > 0 && html`<section aria-labelledby="happened"><h2 id="happened">What happened</h2>
      <${Waterfall} history=${flow.history} settled=${flow.settled_at} /></section>`}
    <${Asked} asked=${asked} close=${() => setAsked(null)} done=${again} />`;
}
