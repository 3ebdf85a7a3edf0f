// What an endpoint was told, and what it answered each time.
import { html } from '../vendor/htm-preact.js';
import { href } from '../route.js';
import { many, short } from '../format.js';
import { Act, Copy, Time } from './bits.js';
import { State } from './state.js';

/** What the last attempt came to, in a few words. @param {Api.Delivery} delivery */
function outcome({ attempts }) {
  const last = attempts.at(-1);
  if (!last) return 'not sent yet';
  return [last.status, last.error].filter(Boolean).join(': ');
}

/** What it tells of. @param {any} data */
const about = (data) => [data.name || data.operation, short(data.flow_id || data.batch_id || '')].filter(Boolean).join(' ');

/** @param {{attempts: Api.DeliveryAttempt[]}} props */
function Attempts({ attempts }) {
  if (!attempts.length) return html`<p class="quiet">It was not sent yet.</p>`;
  return html`<table class="rows attempts">
    <thead><tr><th scope="col">Sent</th><th scope="col">Status</th><th scope="col">What was answered</th></tr></thead>
    <tbody>${attempts.map(({ at, status, error, answer }) => html`<tr key=${at}>
      <td><${Time} at=${at} /></td>
      <td class=${status >= 200 && status < 300 ? 'completed-text' : 'failed-text'}>${status || 'none'}</td>
      <td class="break">${error && html`<p>${error}</p>`}${answer && html`<code class="said">${answer}</code>`}${!error && !answer && html`<span class="quiet">nothing more</span>`}</td>
    </tr>`)}</tbody></table>`;
}

/** @param {{delivery: Api.Delivery, replay?: (id: string) => void}} props */
function Row({ delivery, replay }) {
  const { delivery_id: id, event, state, created_at: happened, next_attempt_at: next, attempts, payload } = delivery;
  const { data = {} } = /** @type {any} */ (payload || {});
  return html`<li>
    <details>
      <summary data-row><${State} state=${state} /><span class="break"><code>${event}</code> <span class="quiet">${about(data)}</span></span>
        <span class="break quiet">${outcome(delivery)}${next && attempts.length > 0 && html`, sent again <${Time} at=${next} />`}</span><span class="quiet"><${Time} at=${happened} /></span></summary>
      <div class="stack">
        <p class="facts"><span>Delivery <${Copy} text=${id} label="Copy the delivery’s id"><code>${short(id)}</code></${Copy}></span>
          ${data.flow_id && html`<span><a href=${href(`flows/${data.flow_id}`)}>its flow</a></span>`}
          ${data.batch_id && html`<span><a href=${href(`batches/${data.batch_id}`)}>its batch</a></span>`}
          <span>${many(attempts.length, 'attempt')}${attempts.length >= 20 && ' or more'}</span>
          ${next && html`<span>next <${Time} at=${next} /></span>`}</p>
        <${Attempts} attempts=${attempts} />
        <pre tabindex="0" class="said" aria-label="What is sent">${JSON.stringify(payload, null, 2)}</pre>
      </div>
    </details>
    ${replay && html`<${Act} label=${`Replay ${event} of ${about(data)}`} act=${() => replay(id)}>Replay</${Act}>`}
  </li>`;
}

/** @param {{deliveries: Api.Delivery[], replay?: (id: string) => void}} props */
export function Deliveries({ deliveries, replay }) {
  return html`<ul class="deliveries">${deliveries.map((delivery) => html`<${Row} key=${delivery.delivery_id} delivery=${delivery} replay=${replay} />`)}</ul>`;
}
