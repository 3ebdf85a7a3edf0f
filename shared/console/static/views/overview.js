// What goes on, in ten seconds: what runs, what waits, what fails, and whose fault it is.
import { html, useState } from '../vendor/htm-preact.js';
import { ask } from '../api.js';
import { usePoll } from '../poll.js';
import { href, useTitle } from '../route.js';
import { count, short } from '../format.js';
import { Empty, Loading, Time, Trouble } from '../parts/bits.js';
import { BatchTable, NoBatches } from './batches.js';
import { Asked } from '../parts/actions.js';
import { Failures } from '../parts/failures.js';
import { Plots } from '../parts/plots.js';
import { WhatWaits, lookAtWaiting } from '../parts/waiting.js';
import { Health } from './operations.js';

const LATEST = 50;
const TURNS = 5;
const LATELY = 24 * 3_600_000;

/** @typedef {{batches: Api.Batch[], operations: Api.Operation[], failures: Api.Failures, activity: Api.Activity, waiting: import('../parts/waiting.js').Waiting[]}} Seen */

/** Batches on every tick, the rest now and then; one after the other. */
function loader() {
  let turn = 0;
  /** @type {Api.Operation[]} */
  let operations;
  /** @type {Api.Failures} */
  let failures;
  /** @type {Api.Activity} */
  let activity;
  /** @type {import('../parts/waiting.js').Waiting[]} */
  let waiting = [];
  /** @returns {Promise<Seen>} */
  return async (signal) => {
    if (turn % TURNS === 0 || !operations) ({ operations } = await ask('api/v2/operations', { signal }));
    if (turn % TURNS === 0 || !failures) failures = await ask('api/v2/failures', { signal });
    if (turn % TURNS === 0) {
      // Without its plots, the rest is as good.
      activity = await ask('api/v2/activity', { signal }).catch((error) => {
        if (signal.aborted) throw error;
        return activity;
      });
    }
    /** @type {{batches: Api.Batch[]}} */
    const { batches } = await ask('api/v2/batches', { query: { limit: LATEST }, signal });
    if (turn % TURNS === 0 || !batches.some((batch) => batch.counts.pending > 0)) waiting = await lookAtWaiting(batches, signal);
    turn += 1;
    return { batches, operations, failures, activity, waiting };
  };
}

/** @param {{label: string, n: number, kind: string, shape: string}} props */
function Figure({ label, n, kind, shape }) {
  return html`<div class=${`figure ${n > 0 ? kind : ''}`}><dt><span aria-hidden="true">${shape}</span> ${label}</dt><dd>${count(n)}</dd></div>`;
}

export function Overview() {
  const [load] = useState(loader);
  const { data, error, again } = usePoll(load, []);
  const [asked, setAsked] = useState(null);
  const retry = (group) => setAsked({ verb: 'retry', meant: { filters: { group: group.id, since: new Date(Date.now() - LATELY).toISOString() }, group } });
  const batches = data?.batches || [];
  const sum = (name) => batches.reduce((all, batch) => all + batch.counts[name], 0);
  const failing = batches.filter((batch) => batch.counts.failed > 0);
  const groups = data?.failures.groups || [];
  const going = batches.filter((batch) => batch.status === 'RUNNING');
  const stopped = (data?.operations || []).filter((one) => one.available && one.breaker && one.breaker.state !== 'closed');
  useTitle(sum('failed') > 0 ? `${count(sum('failed'))} failed` : 'Overview');
  return html`<h1>Overview</h1><${Trouble} error=${error} again=${again} />
    ${!data && !error && html`<${Loading} />`}
    ${data && batches.length === 0 && html`<${NoBatches} />`}
    ${batches.length > 0 && html`
      <dl class="figures"><${Figure} label="running" shape="●" kind="running" n=${sum('running')} /><${Figure} label="pending" shape="◷" kind="pending" n=${sum('pending')} />
        <${Figure} label="failed" shape="✕" kind="failed" n=${sum('failed')} /><${Figure} label="completed" shape="✓" kind="completed" n=${sum('completed')} />
        <${Figure} label="cancelled" shape="⊘" kind="cancelled" n=${sum('cancelled')} /></dl>
      <p class="quiet">Of the latest ${batches.length === LATEST ? `${LATEST} batches` : `${batches.length === 1 ? 'batch' : `${batches.length} batches`}`}, since <${Time} at=${batches.at(-1).created_at} />.</p>
      ${data.activity && html`<${Plots} activity=${data.activity} />`}
      <div class="columns">
        <section aria-labelledby="stopped"><h2 id="stopped">Vendors and operations</h2>
          ${stopped.length === 0 ? html`<p class="quiet">✓ Nothing is stopped: every operation that can run here takes flows.</p>`
            : html`<ul class="groups">${stopped.map((one) => html`<li key=${one.name}><${Health} operation=${one} /><span><a href="#/operations">${one.name}</a>
              <br /><span class="quiet">${one.breaker.reason}${one.breaker.since && html`, since <${Time} at=${one.breaker.since} />`}</span></span></li>`)}</ul>`}</section>
        <section aria-labelledby="failing"><h2 id="failing">Batches with failures</h2>
          ${failing.length === 0 ? html`<p class="quiet">✓ Nothing failed.</p>`
            : html`<ul class="groups">${failing.slice(0, 6).map((batch) => html`<li key=${batch.batch_id}><span class="failed-text number">✕ ${count(batch.counts.failed)}</span>
              <span><a data-row href=${href(`batches/${batch.batch_id}`, { state: 'FAILED' })}>${batch.name || batch.operation} ${short(batch.batch_id)}</a>
              <br /><span class="quiet">of ${count(batch.digital_asset_count)}, <${Time} at=${batch.created_at} /></span></span></li>`)}</ul>`}</section>
      </div>
      ${data.waiting.length > 0 && html`<section aria-labelledby="waits"><h2 id="waits">What waits, and for what</h2><${WhatWaits} waiting=${data.waiting} /></section>`}
      ${groups.length > 0 && html`<section aria-labelledby="groups"><h2 id="groups">What failed in the last 24 hours</h2><${Failures} groups=${groups.slice(0, 8)} retry=${retry} />
        ${!data.failures.complete && html`<p class="quiet">Of the latest batches; there are more.</p>`}</section>`}
      <section aria-labelledby="going"><h2 id="going">Going on</h2>
        ${going.length > 0 ? html`<${BatchTable} batches=${going} />` : html`<${Empty} title="Nothing is running"><p><a class="button" href="#/run">Run something</a></p></${Empty}>`}</section>`}
    <${Asked} asked=${asked} close=${() => setAsked(null)} done=${again} />`;
}
