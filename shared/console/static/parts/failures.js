// Why flows of a batch failed, by group.
import { html } from '../vendor/htm-preact.js';
import { filter, href } from '../route.js';
import { count, many } from '../format.js';

/** @param {{groups: any[], chosen: string}} props */
export function Failures({ groups, chosen }) {
  if (!groups?.length) return null;
  return html`<section aria-labelledby="failures"><h2 id="failures">Failures</h2>
    <ul class="groups">${groups.map((group) => html`<li key=${[group.operation, group.step, group.code, group.message].join(' ')}>
      <span class="failed-text number">✕ ${count(group.count)}</span>
      <span><code>${group.code}</code>${group.step !== undefined && group.step !== null && html` <span class="quiet">step ${group.step + 1}</span>`}
        ${group.retryable ? html` <span class="tag">a retry may help</span>` : html` <span class="tag quiet">a retry won’t help</span>`}
        <br />${group.message}
        ${group.example && html` <a class="quiet" href=${href(`flows/${group.example.flow_id}`)} title=${group.example.digital_asset_url}>for example</a>`}</span>
      <button type="button" aria-pressed=${chosen === group.code}
        onClick=${() => filter(chosen === group.code ? { code: '', state: '' } : { code: group.code, state: 'FAILED' })}>
        ${chosen === group.code ? 'Show all' : `Show ${many(group.count, 'flow')}`}</button>
    </li>`)}</ul></section>`;
}
