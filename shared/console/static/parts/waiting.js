// What flows wait for, of some that are looked at.
import { html } from '../vendor/htm-preact.js';
import { ask } from '../api.js';
import { href } from '../route.js';
import { count } from '../format.js';
import { waits } from './state.js';

/** How many batches are looked into, those of which most waits, and how many flows of each. */
const BATCHES = 3;
const FLOWS = 100;

/** @typedef {{operation: string, why: string, flows: number, exact: boolean, batch_id: string}} Waiting */

/**
 * What the flows of some batches wait for: as many as were looked at say it, and the others of their batch are taken to wait
 * for the same in the same shares. One request after the other.
 * @param {Api.Batch[]} batches @param {AbortSignal} signal @returns {Promise<Waiting[]>}
 */
export async function lookAtWaiting(batches, signal) {
  const most = batches.filter((batch) => batch.counts.pending > 0).sort((a, b) => b.counts.pending - a.counts.pending).slice(0, BATCHES);
  /** @type {Map<string, Waiting>} */
  const found = new Map();
  for (const { batch_id, operation, counts: { pending } } of most) {
    /** @type {Api.BatchPage} */
    const { flows } = await ask(`api/v2/batches/${batch_id}`, { query: { state: 'PENDING', limit: FLOWS }, signal });
    for (const flow of flows) {
      const why = waits(flow) || 'a worker';
      const key = `${operation} ${why}`;
      const before = found.get(key) || { operation, why, flows: 0, exact: true, batch_id };
      found.set(key, { ...before, flows: before.flows + pending / flows.length, exact: before.exact && pending <= flows.length });
    }
  }
  return [...found.values()].sort((a, b) => b.flows - a.flows);
}

/** @param {{waiting: Waiting[]}} props */
export function WhatWaits({ waiting }) {
  return html`<ul class="groups">${waiting.map(({ operation, why, flows, exact, batch_id }) => html`<li key=${`${operation} ${why}`}>
    <span class="number state pending"><span aria-hidden="true">◷</span> ${!exact && 'about '}${count(Math.max(1, Math.round(flows)))}</span>
    <span>${why}<br /><a href=${href(`batches/${batch_id}`, { state: 'PENDING' })}>${operation}</a></span></li>`)}</ul>`;
}
