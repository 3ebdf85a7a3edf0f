// What happened to a flow, and how long each thing took, drawn to scale.
import { html } from '../vendor/htm-preact.js';
import { exact, lasting } from '../format.js';

/** What is going on after an event, until the next. */
const GOING_ON = {
  accepted: 'waits for a worker', claimed: 'fetches', fetched: 'works', sent_to_vendor: 'the vendor works',
  taken_by_vendor: 'the vendor works', waits: 'waits', stored: 'writes it down',
};

/** Whole sentences of what the API says in fields. @param {Api.FlowEvent} event */
function detail(event) {
  return [
    event.for && `for ${event.for}`,
    event.until && `until ${exact(event.until)}`,
    event.cost === 'paid' && 'may be charged',
    event.code,
  ].filter(Boolean).join(' · ');
}

/** @param {{history: Api.FlowHistory, settled?: string}} props */
export function Waterfall({ history, settled }) {
  const { events, left_out: leftOut } = history;
  const begun = Date.parse(events[0]?.at);
  const end = settled ? Date.parse(settled) : Date.now();
  const whole = Math.max(end - begun, 1);
  // What is left out stands between the first half and the last.
  const gap = leftOut > 0 ? Math.floor(events.length / 2) : -1;
  const bar = (from, to, kind) => html`<span class=${`span ${kind}`} style=${{
    left: `${(100 * (from - begun)) / whole}%`, width: `${Math.max((100 * (to - from)) / whole, 0.4)}%`,
  }}></span>`;
  return html`<table class="rows waterfall">
    <thead><tr><th scope="col">Event</th><th scope="col" class="narrow-off">Step</th><th scope="col" class="number">After</th>
      <th scope="col" class="number">Took</th><th scope="col" class="track narrow-off">${lasting(whole)} in all</th></tr></thead>
    <tbody>${events.map((event, at) => {
      const from = Date.parse(event.at);
      const to = at + 1 < events.length ? Date.parse(events[at + 1].at) : end;
      const doing = GOING_ON[event.event];
      const more = detail(event);
      return html`<tr key=${at}>
        <td><span title=${exact(event.at)}>${event.event.replaceAll('_', ' ')}</span>${more && html` <span class="quiet">${more}</span>`}
          ${at + 1 === gap && html`<br /><span class="quiet">${leftOut} more are left out here</span>`}</td>
        <td class="quiet narrow-off">${event.step + 1}${event.attempt ? `, attempt ${event.attempt}` : ''}</td>
        <td class="number">${lasting(from - begun)}</td>
        <td class="number">${doing ? lasting(to - from) : ''}</td>
        <td class="track narrow-off" title=${doing || ''}>${doing && bar(from, to, event.event)}</td>
      </tr>`;
    })}</tbody></table>`;
}
