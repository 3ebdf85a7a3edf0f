// States: a shape and a colour each, and the words of the API.
import { html } from '../vendor/htm-preact.js';
import { count } from '../format.js';

const SHAPES = {
  PENDING: '◷', RUNNING: '●', COMPLETED: '✓', FAILED: '✕', CANCELLED: '⊘', PARTIAL: '◐', DELIVERED: '✓', GIVEN_UP: '✕',
};

/** The states of flows, in the order in which they are shown. */
export const STATES = ['FAILED', 'PENDING', 'RUNNING', 'COMPLETED', 'CANCELLED'];

/** @param {{state: string, more?: string}} props */
export function State({ state, more }) {
  return html`<span class="state ${state.toLowerCase()}">
    <span aria-hidden="true">${SHAPES[state] || '?'}</span> ${state.toLowerCase().replace('_', ' ')}${more && html` <span class="quiet">${more}</span>`}
  </span>`;
}

/** How many are in each state, said and drawn. @param {{counts: Api.BatchCounts, total: number}} props */
export function StateBar({ counts, total }) {
  const parts = ['completed', 'failed', 'cancelled', 'running', 'pending'].filter((name) => counts[name] > 0);
  const said = parts.map((name) => `${count(counts[name])} ${name}`).join(', ') || 'nothing yet';
  return html`<span class="bar" role="img" aria-label=${said} title=${said}>
    ${parts.map((name) => html`<span key=${name} class=${name} style=${{ width: `${(100 * counts[name]) / Math.max(total, 1)}%` }}></span>`)}
  </span>`;
}

/** What a flow waits for, in words. @param {Api.Flow} flow */
export function waits(flow) {
  const why = {
    vendor_throttled: 'the vendor asked for patience', source_throttled: 'the host of the asset asked for patience',
    source_paced: 'its turn at the host of the asset', vendor_job: 'the vendor works on it',
    same_work: 'another flow makes the same', retry: 'another try', worker: 'a worker',
    rate: 'its turn: the operation has a rate', concurrency: 'a place: as many calls go on as may',
    vendor_down: 'the vendor, which is down', paused: 'an operator, who paused the operation',
  };
  return flow.waiting ? why[flow.waiting.for] || flow.waiting.for : '';
}
