// Flows that were chosen one by one, and what may be done to them.
import { html } from '../vendor/htm-preact.js';
import { count } from '../format.js';
import { Act } from './bits.js';

/**
 * @param {{chosen: Set<string>, set: (chosen: Set<string>) => void, ask: (asked: any) => void}} props
 */
export function Chosen({ chosen, set, ask }) {
  const ids = [...chosen];
  return html`<div class="chosen" role="region" aria-label="Chosen flows"><span role="status">${count(ids.length)} chosen</span>
    <${Act} keyed="r" act=${() => ask({ verb: 'retry', meant: { ids } })}>Retry those that failed…</${Act}>
    <${Act} keyed="c" act=${() => ask({ verb: 'cancel', meant: { ids } })}>Cancel those that are pending…</${Act}>
    <button type="button" class="plain" onClick=${() => set(new Set())}>Choose none</button></div>`;
}
