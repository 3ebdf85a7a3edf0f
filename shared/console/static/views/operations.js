// What can be done here: limits, how vendors are doing, and the switch of each.
import { html, useState } from '../vendor/htm-preact.js';
import { ask } from '../api.js';
import { usePoll } from '../poll.js';
import { href, useTitle } from '../route.js';
import { count } from '../format.js';
import { Act, Loading, Time, Trouble } from '../parts/bits.js';
import { Confirm, say } from '../parts/dialog.js';

/** In words, with a shape. @param {{operation: Api.Operation}} props */
export function Health({ operation }) {
  const { breaker } = operation;
  if (!operation.available) return html`<span class="state cancelled"><span aria-hidden="true">⊘</span> unavailable</span>`;
  if (!breaker || breaker.state === 'closed') return html`<span class="state completed"><span aria-hidden="true">✓</span> ready</span>`;
  const said = { open: ['✕', 'vendor down', 'failed'], probing: ['◐', 'asking the vendor', 'pending'], paused: ['‖', 'paused', 'pending'] };
  const [shape, words, colour] = said[breaker.state] || ['?', breaker.state, 'pending'];
  return html`<span class=${`state ${colour}`}><span aria-hidden="true">${shape}</span> ${words}</span>`;
}

/** @param {{limits?: Api.Limits | null}} props */
function Limits({ limits }) {
  if (!limits) return html`<span class="quiet">none</span>`;
  const { rate, burst, concurrency } = limits;
  return html`${[rate, burst && `${burst} at once`, concurrency && `${concurrency} calls at a time`].filter(Boolean).join(', ')}`;
}

/** @param {{schema: any}} props */
function Parameters({ schema }) {
  const all = Object.entries(schema.properties || {});
  if (!all.length) return html`<p class="quiet">No parameters</p>`;
  const bounds = (it) => it.enum ? it.enum.join(', ') : [it.type, it.minimum !== undefined && `${count(it.minimum)} to ${it.maximum === undefined ? '…' : count(it.maximum)}`].filter(Boolean).join(' ');
  return html`<details><summary>${all.length === 1 ? '1 parameter' : `${all.length} parameters`}</summary>
    <dl class="params">${all.map(([name, it]) => html`<div key=${name}><dt><code>${name}</code></dt>
      <dd>${bounds(it)}${it.default !== undefined && html` <span class="quiet">unless given ${JSON.stringify(it.default)}</span>`}${it.description && html`<br /><span class="quiet">${it.description}</span>`}</dd></div>`)}</dl></details>`;
}

/** @param {{operation: Api.Operation, ask: (what: any) => void}} props */
function Row({ operation, ask: choose }) {
  const { breaker, name, available } = operation;
  const paused = breaker?.state === 'paused';
  return html`<li class="operation">
    <div class="head"><h2><a data-row href=${href('run', { operation: name })}>${name}</a></h2>
      <${Health} operation=${operation} />${operation.default && html`<span class="tag">default</span>`}${operation.paid && html`<span class="tag">paid</span>`}
      <div class="buttons">
        ${breaker && available && (paused ? html`<${Act} label=${`Resume ${name}`} act=${() => choose({ name, verb: 'resume' })}>Resume</${Act}>`
          : html`<${Act} label=${`Pause ${name}`} act=${() => choose({ name, verb: 'pause' })}>Pause…</${Act}>`)}
        ${available && html`<a class="button" href=${href('run', { operation: name })} aria-label=${`Run ${name}`}>Run…</a>`}</div></div>
    <p>${operation.summary}</p>
    ${!available && html`<p class="why waits">It lacks something: ${operation.unavailable_reason}</p>`}
    ${breaker && breaker.state !== 'closed' && html`<p class="why waits">${breaker.reason}${breaker.since && html`, since <${Time} at=${breaker.since} />`}${breaker.until && html`; the vendor is asked again <${Time} at=${breaker.until} />`}</p>`}
    <p class="facts"><span>Limits: <${Limits} limits=${operation.limits} /></span>
      <span>Takes: ${operation.accepts.join(', ').replaceAll('image/', '') || 'anything'}</span>
      <span>Makes: ${operation.produces.join(', ').replaceAll('image/', '') || 'anything'}</span></p>
    <${Parameters} schema=${operation.params} />
  </li>`;
}

/** The switch of an operation. @param {{chosen: {name: string, verb: string}, close: () => void, again: () => void}} props */
function Switch({ chosen: { name, verb }, close, again }) {
  const pause = verb === 'pause';
  async function act() {
    await ask(`api/v2/operations/${encodeURIComponent(name)}/${verb}`, { method: 'POST' });
    say(pause ? `${name} is paused.` : `${name} goes on.`);
    again();
  }
  return html`<${Confirm} danger=${pause} title=${pause ? `Pause ${name}?` : `Let ${name} go on?`} verb=${pause ? 'Pause' : 'Resume'} act=${act} close=${close}>
    <p>${pause ? 'For every caller: its flows wait until somebody resumes it. What has begun is finished.' : 'Its flows, which wait, go on as fast as its limits allow.'}</p>
  </${Confirm}>`;
}

export function Operations() {
  const { data, error, again } = usePoll(/** @returns {Promise<Api.Operations>} */ (signal) => ask('api/v2/operations', { signal }), []);
  const [chosen, setChosen] = useState(null);
  const all = data?.operations || [];
  const can = all.filter((one) => one.available);
  const lack = all.filter((one) => !one.available);
  const stopped = can.filter((one) => one.breaker && one.breaker.state !== 'closed').length;
  useTitle(stopped ? `${stopped} stopped · Operations` : 'Operations');
  const list = (operations) => html`<ul class="operations">${operations.map((one) => html`<${Row} key=${one.name} operation=${one} ask=${setChosen} />`)}</ul>`;
  return html`<h1>Operations</h1><${Trouble} error=${error} again=${again} />
    ${!data && !error && html`<${Loading} />`}
    ${list(can)}
    ${lack.length > 0 && html`<details class="lacking"><summary>${lack.length} more, which lack a key or a setting</summary>${list(lack)}</details>`}
    ${chosen && html`<${Switch} chosen=${chosen} again=${again} close=${() => setChosen(null)} />`}`;
}
