// The flows of a batch as a table, of which only what is seen is made.
import { html, useEffect } from '../vendor/htm-preact.js';
import { href } from '../route.js';
import { bytes, count, lasting, split } from '../format.js';
import { State, waits } from './state.js';
import { useMedia, useWindowed } from './windowed.js';

/** How it went, in a few words. @param {Api.Flow} flow */
function outcome(flow) {
  if (flow.state === 'COMPLETED' && flow.result) return `${flow.result.media_type.replace('image/', '')} · ${bytes(flow.result.bytes)}`;
  if (flow.waiting) return `waits for ${waits(flow)}`;
  return flow.error?.code || '';
}

/** @param {Api.Flow} flow */
function took(flow) {
  return flow.started_at && flow.settled_at ? lasting(Date.parse(flow.settled_at) - Date.parse(flow.started_at)) : '–';
}

/** @param {{flow: Api.Flow, chosen: boolean, choose: (id: string) => void}} props */
function Row({ flow, chosen, choose }) {
  const { host, rest } = split(flow.digital_asset_url);
  return html`<tr aria-selected=${chosen}>
    <td class="choose"><label><input type="checkbox" data-choose aria-label=${`Choose flow ${flow.index + 1}`} checked=${chosen} onChange=${() => choose(flow.flow_id)} />
      <span class="number quiet narrow-off">${count(flow.index + 1)}</span></label></td>
    <td><${State} state=${flow.state} /></td>
    <td class="url"><a data-row href=${href(`flows/${flow.flow_id}`)} title=${flow.digital_asset_url}><span class="quiet">${host}</span>${rest}</a></td>
    <td class="what" title=${flow.error?.message}>${outcome(flow)}${flow.unconfirmed_calls > 0 && html` <strong title="calls that may have been charged">$?</strong>`}</td>
    <td class="number narrow-off">${flow.attempts}</td>
    <td class="number narrow-off">${took(flow)}</td>
  </tr>`;
}

/**
 * @param {{flows: Api.Flow[], total: number, look: (from: number, to: number) => void, chosen: Set<string>, choose: (id: string) => void}} props
 */
export function FlowTable({ flows, total, look, chosen, choose }) {
  const narrow = useMedia('(max-width: 640px)');
  const height = narrow ? 56 : 32;
  const { list, from, to } = useWindowed(flows.length, height);
  useEffect(() => look(from, to), [from, to, flows.length]);
  const gap = (rows) => rows > 0 && html`<tr aria-hidden="true" class="gap"><td colspan=${narrow ? 4 : 6} style=${{ height: `${rows * height}px` }}></td></tr>`;
  return html`<table class="rows flows" aria-rowcount=${total}>
    <thead><tr><th scope="col" class="choose"><span class="narrow-off">#</span></th><th scope="col">State</th><th scope="col">Asset</th>
      <th scope="col">Outcome</th><th scope="col" class="number narrow-off">Tries</th><th scope="col" class="number narrow-off">Took</th></tr></thead>
    <tbody ref=${list}>${gap(from)}${flows.slice(from, to).map((flow) => html`<${Row} key=${flow.flow_id} flow=${flow} chosen=${chosen.has(flow.flow_id)} choose=${choose} />`)}${gap(flows.length - to)}</tbody>
  </table>`;
}
