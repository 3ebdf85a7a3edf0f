// The outputs of a batch as a contact sheet, of which only what is seen is made.
import { html, useEffect, useState } from '../vendor/htm-preact.js';
import { href } from '../route.js';
import { linkable, split } from '../format.js';
import { State } from './state.js';
import { useWindowed } from './windowed.js';

const TILE = 144;

/** @param {{flow: Api.Flow}} props */
function Tile({ flow }) {
  const { rest } = split(flow.digital_asset_url);
  const name = rest.split('/').pop() || rest;
  const shown = flow.result && flow.result.media_type.startsWith('image/') && linkable(flow.result.url);
  return html`<li><a data-row class="tile" href=${href(`flows/${flow.flow_id}`)} title=${flow.digital_asset_url}>
    <span class="checker">${shown ? html`<img src=${flow.result.url} alt="" loading="lazy" decoding="async" />`
      : html`<${State} state=${flow.state} />`}</span>
    <span class="name">${shown && html`<span class="completed-text" aria-hidden="true">✓ </span>`}${name}</span>
  </a></li>`;
}

/** @param {{flows: Api.Flow[], look: (from: number, to: number) => void}} props */
export function Sheet({ flows, look }) {
  const [across, setAcross] = useState(6);
  const rows = Math.ceil(flows.length / across);
  const { list, from, to } = useWindowed(rows, TILE + 8);
  useEffect(() => {
    const measure = () => setAcross(Math.max(2, Math.floor((list.current.clientWidth + 8) / (120 + 8))));
    measure();
    addEventListener('resize', measure);
    return () => removeEventListener('resize', measure);
  }, []);
  useEffect(() => look(from * across, to * across), [from, to, across, flows.length]);
  return html`<div ref=${list} class="sheet" style=${{ paddingTop: `${from * (TILE + 8)}px`, paddingBottom: `${Math.max(0, rows - to) * (TILE + 8)}px` }}>
    <ul style=${{ gridTemplateColumns: `repeat(${across}, minmax(0, 1fr))` }}>
      ${flows.slice(from * across, to * across).map((flow) => html`<${Tile} key=${flow.flow_id} flow=${flow} />`)}
    </ul></div>`;
}
