// One endpoint: what it was told, what it answered, and telling it again.
import { html, useState } from '../vendor/htm-preact.js';
import { ask, curl } from '../api.js';
import { usePoll } from '../poll.js';
import { filter, href, useTitle } from '../route.js';
import { short, split } from '../format.js';
import { Act, Copy, Empty, Loading, Trouble } from '../parts/bits.js';
import { Deliveries } from '../parts/deliveries.js';
import { say } from '../parts/dialog.js';
import { AskedOfEndpoint, at } from '../parts/endpoint.js';
import { Replay } from '../parts/replay.js';
import { State } from '../parts/state.js';
import { EndpointFacts, Standing, WhyDisabled } from './webhooks.js';

const STATES = ['PENDING', 'DELIVERED', 'GIVEN_UP'];

/** @param {{chosen: string}} props */
function Filters({ chosen }) {
  return html`<div class="choices" role="group" aria-label="States">${['', ...STATES].map((state) => html`<button type="button" key=${state} aria-pressed=${chosen === state}
    onClick=${() => filter({ state, cursor: '' })}>${state ? html`<${State} state=${state} />` : 'All'}</button>`)}</div>`;
}

/** @param {{state: string, cursor: string, more: boolean}} props */
function Nothing({ state, cursor, more }) {
  if (!state && !cursor) return html`<${Empty} title="It was told nothing yet"><p>What it asked to be told of has not happened since it was made.</p></${Empty}>`;
  return html`<${Empty} title=${more ? 'Nothing in this part of the log is so' : 'Nothing more is so'}>${more && html`<p>There is more before it.</p>`}</${Empty}>`;
}

/** @param {{id: string, query: Record<string, string>}} props */
export function Webhook({ id, query }) {
  const { state = '', cursor = '' } = query;
  const { data, last, error, again } = usePoll(
    /** @returns {Promise<Api.DeliveriesPage & {endpoint?: Api.Webhook}>} */
    async (signal) => {
      const { webhooks } = await ask('api/v2/webhooks', { signal });
      const page = await ask(`${at(id)}/deliveries`, { query: { limit: 25, state, cursor }, signal });
      return { ...page, endpoint: webhooks.find((one) => one.webhook_id === id) };
    }, [id, state, cursor]);
  const [asked, setAsked] = useState(null);
  const [replaying, setReplaying] = useState(false);
  const seen = data || last;
  const endpoint = seen?.endpoint;
  useTitle(endpoint ? `${split(endpoint.url).host} · Webhooks` : 'Webhook');
  if (!seen) return html`<h1>Endpoint <span class="id">${short(id)}</span></h1>${error ? html`<${Trouble} error=${error} again=${again} />` : html`<${Loading} />`}`;
  // One that is not among the tenant's is of the batch with its id.
  const ofBatch = !endpoint;
  const url = endpoint ? endpoint.url : `the endpoint of batch ${id}`;
  const choose = (verb) => () => setAsked({ verb, id, url, ofBatch });
  async function replay(delivery) {
    try {
      await ask(`${at(id)}/deliveries/${encodeURIComponent(delivery)}/replay`, { method: 'POST' });
      say('It is to be told again.');
    } catch (problem) {
      say(`It is not told again: ${problem.message}`);
    }
    again();
  }
  const { deliveries, next_cursor: next } = seen;
  // One that is disabled gives up at once what it is to be told.
  const told = !endpoint?.disabled_at;
  const names = html`<span>Endpoint <${Copy} text=${id} label="Copy the endpoint’s id"><code>${short(id)}</code></${Copy}></span>
    <span><${Copy} text=${curl(`${at(id)}/deliveries`)} label="Copy as curl" /></span>`;
  return html`
    <p class="crumbs"><a href="#/webhooks">Webhooks</a></p>
    <div class="head"><h1 class="break">${endpoint ? endpoint.url : html`Endpoint of batch <span class="id">${short(id)}</span>`}</h1>${endpoint && html`<${Standing} endpoint=${endpoint} />`}
      <div class="buttons">${told && html`<${Act} keyed="r" kind="primary" act=${() => setReplaying(true)}>Replay…</${Act}>`}
        <${Act} act=${choose('rotate')}>New secret…</${Act}><${Act} act=${choose('remove')}>${ofBatch ? 'Disable…' : 'Remove…'}</${Act}></div></div>
    ${endpoint ? html`<${EndpointFacts} endpoint=${endpoint}>${names}</${EndpointFacts}><${WhyDisabled} endpoint=${endpoint} />`
      : html`<p class="facts"><span><a href=${href(`batches/${id}`)}>its batch</a></span>${names}</p>`}
    <${Trouble} error=${error} again=${again} />
    <section aria-labelledby="told"><h2 id="told">What it was told</h2>
      <div class="tools"><${Filters} chosen=${state} /></div>
      <div aria-busy=${!data}>${deliveries.length > 0 ? html`<${Deliveries} deliveries=${deliveries} replay=${told ? replay : undefined} />` : html`<${Nothing} state=${state} cursor=${cursor} more=${Boolean(next)} />`}</div>
      ${(cursor || next) && html`<nav class="pages" aria-label="Pages">
        ${cursor && html`<a class="button" href=${href(`webhooks/${id}`, { state })}>The latest</a>`}
        ${next && html`<a class="button" href=${href(`webhooks/${id}`, { state, cursor: next })}>Older</a>`}</nav>`}
    </section>
    <${AskedOfEndpoint} asked=${asked} close=${() => setAsked(null)} again=${again} gone=${() => (ofBatch ? again() : (location.hash = '#/webhooks'))} />
    ${replaying && html`<${Replay} id=${id} state=${state} close=${() => setReplaying(false)} again=${again} />`}`;
}
