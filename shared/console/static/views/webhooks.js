// The endpoints of the caller: what each is told of, and whether it still is.
import { html, useState } from '../vendor/htm-preact.js';
import { ask } from '../api.js';
import { usePoll } from '../poll.js';
import { href, useTitle } from '../route.js';
import { Act, Empty, Loading, Time, Trouble } from '../parts/bits.js';
import { AskedOfEndpoint } from '../parts/endpoint.js';

/** What it is told of, since when, and what signs. @param {{endpoint: Api.Webhook, children?: any}} props */
export function EndpointFacts({ endpoint: { events, created_at: made, old_secret_until: until }, children }) {
  return html`<p class="facts"><span>Told of ${events.map((event) => html`<code key=${event} class="tag">${event}</code> `)}</span><span>made <${Time} at=${made} /></span>
    ${until && html`<span>an old secret signs too; it ends <${Time} at=${until} /></span>`}${children}</p>`;
}

/** Whether it is told anything. @param {{endpoint: Api.Webhook}} props */
export function Standing({ endpoint: { disabled_at: disabled } }) {
  return disabled ? html`<span class="state failed"><span aria-hidden="true">⊘</span> disabled</span>`
    : html`<span class="state completed"><span aria-hidden="true">✓</span> told</span>`;
}

/** @param {{endpoint: Api.Webhook}} props */
export function WhyDisabled({ endpoint: { disabled_at: disabled } }) {
  return disabled && html`<p class="why failed">It answered 410 <${Time} at=${disabled} />, and is told nothing any more. Where it is there again, make an endpoint anew.</p>`;
}

/** @param {{endpoint: Api.Webhook, choose: (asked: import('../parts/endpoint.js').Asked) => void}} props */
function Row({ endpoint, choose }) {
  const { webhook_id: id, url } = endpoint;
  return html`<li class="operation">
    <div class="head"><h2 class="break"><a data-row href=${href(`webhooks/${id}`)}>${url}</a></h2><${Standing} endpoint=${endpoint} />
      <div class="buttons"><${Act} label=${`Make a new secret for ${url}`} act=${() => choose({ verb: 'rotate', id, url })}>New secret…</${Act}>
        <${Act} label=${`Remove ${url}`} act=${() => choose({ verb: 'remove', id, url })}>Remove…</${Act}></div></div>
    <${EndpointFacts} endpoint=${endpoint} /><${WhyDisabled} endpoint=${endpoint} />
  </li>`;
}

/** The log of an endpoint that is of one batch, and is not listed. */
function OfBatch() {
  const [id, setId] = useState('');
  const open = (event) => {
    event.preventDefault();
    if (id.trim()) location.hash = href(`webhooks/${encodeURIComponent(id.trim())}`);
  };
  return html`<form class="tools" onSubmit=${open}><label>The endpoint of one batch, by the batch’s id ${' '}<input type="text" value=${id} onInput=${(event) => setId(event.target.value)} /></label>
    <button type="submit" aria-disabled=${!id.trim()}>Its log</button></form>`;
}

export function Webhooks() {
  const { data, error, again } = usePoll(/** @returns {Promise<Api.Webhooks>} */ (signal) => ask('api/v2/webhooks', { signal }), []);
  const [asked, setAsked] = useState(null);
  const all = data?.webhooks || [];
  const disabled = all.filter((one) => one.disabled_at).length;
  useTitle(disabled ? `${disabled} disabled · Webhooks` : 'Webhooks');
  const make = html`<${Act} kind="primary" act=${() => setAsked({ verb: 'make' })}>Make an endpoint…</${Act}>`;
  return html`<div class="head"><h1>Webhooks</h1>${all.length > 0 && html`<div class="buttons">${make}</div>`}</div>
    <${Trouble} error=${error} again=${again} />
    ${!data && !error && html`<${Loading} />`}
    ${all.length > 0 && html`<ul class="operations">${all.map((one) => html`<${Row} key=${one.webhook_id} endpoint=${one} choose=${setAsked} />`)}</ul>`}
    ${data && !all.length && html`<${Empty} title="No endpoint yet"><p>An endpoint is a URL of yours that is told when a batch is complete, a flow settled, or an operation was stopped.</p><p>${make}</p></${Empty}>`}
    ${data && html`<${OfBatch} />`}
    <${AskedOfEndpoint} asked=${asked} close=${() => setAsked(null)} again=${again} gone=${again} />`;
}
