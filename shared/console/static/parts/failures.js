// Why flows failed, by group.
import { html } from '../vendor/htm-preact.js';
import { href } from '../route.js';
import { count } from '../format.js';
import { Act } from './bits.js';

/**
 * @param {{groups: Api.FailureGroup[], retry: (group: Api.FailureGroup) => void, more?: (group: Api.FailureGroup) => any}} props
 */
export function Failures({ groups, retry, more = () => null }) {
  return html`<ul class="groups">${groups.map((group) => html`<li key=${group.id}>
    <span class="failed-text number">✕ ${count(group.count)}</span>
    <span><code>${group.code}</code> <span class="quiet">${group.operation}${group.step && `, step ${group.step}`}</span>${' '}
      <span class="tag">${group.retryable ? 'a retry may help' : 'a retry alone won’t help'}</span>
      <br />${group.message} <a href=${href(`flows/${group.example.flow_id}`)} title=${group.example.digital_asset_url}>for example</a></span>
    <span class="buttons">${more(group)}
      <${Act} label=${`Retry those with ${group.code}: ${group.message}`} act=${() => retry(group)}>Retry…</${Act}></span>
  </li>`)}</ul>`;
}
