// What was done in the last day, as columns of a quarter of an hour each.
import { html } from '../vendor/htm-preact.js';
import { count, many } from '../format.js';

const HEIGHT = 48;
/** Intervals of the API in a column: fewer columns are wide enough to see. */
const IN_ONE = 3;
const SETTLED = [{ field: 'failed', label: 'failed' }, { field: 'completed', label: 'completed' }, { field: 'cancelled', label: 'cancelled' }];
const PAID = [{ field: 'paid_calls', label: 'in all' }];
const FIELDS = [...SETTLED, ...PAID].map(({ field }) => field);

/** @param {number} time */
const clock = (time) => new Date(time).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

/** The columns in which something happened, by their places. @param {Api.Activity} activity @param {number} step */
function columnsOf({ since, points }, step) {
  /** @type {Map<number, Record<string, any>>} */
  const columns = new Map();
  for (const point of points) {
    const at = Math.floor((Date.parse(point.at) - Date.parse(since)) / step);
    const before = columns.get(at) || { at: Date.parse(since) + at * step };
    columns.set(at, { at: before.at, ...Object.fromEntries(FIELDS.map((field) => [field, (before[field] || 0) + point[field]])) });
  }
  return columns;
}

/**
 * What happened of each kind, as columns; the first kind is at the bottom.
 * @param {{title: string, kinds: {field: string, label: string}[], activity: Api.Activity}} props
 */
function Plot({ title, kinds, activity }) {
  const step = activity.interval_seconds * 1_000 * IN_ONE;
  const across = Math.max(1, Math.ceil((Date.now() - Date.parse(activity.since)) / step));
  const of = (column) => kinds.reduce((sum, { field }) => sum + column[field], 0);
  const columns = [...columnsOf(activity, step)].filter(([, column]) => of(column) > 0);
  const most = Math.max(1, ...columns.map(([, column]) => of(column)));
  const [, peak] = columns.find(([, column]) => of(column) === most) || [];
  const sums = kinds.map(({ field, label }) => `${count(columns.reduce((sum, [, column]) => sum + column[field], 0))} ${label}`).join(', ');
  const said = `${title}: ${sums}${peak ? `; most at ${clock(peak.at)}, ${count(most)} in ${many(step / 60_000, 'minute')}` : ''}`;
  return html`<figure class="timeline"><figcaption>${title} <span class="quiet">${sums}</span></figcaption>
    <svg class="plot" viewBox=${`0 0 ${across * 4} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label=${said}>
      ${columns.map(([at, column]) => {
        let top = HEIGHT;
        const said = kinds.filter(({ field }) => column[field] > 0).map(({ field, label }) => `${count(column[field])} ${label}`).join(', ');
        return html`<g key=${at}><title>${clock(column.at)}: ${said}</title>
          ${kinds.map(({ field }) => {
            // However few they are, they are seen.
            const height = column[field] > 0 ? Math.max(2, ((HEIGHT - 4) * column[field]) / most) : 0;
            top -= height;
            return height > 0 && html`<rect key=${field} class=${field} x=${at * 4} y=${top} width="3" height=${height} />`;
          })}</g>`;
      })}</svg>
    <p class="axis quiet" aria-hidden="true"><span>24 h ago</span><span>${peak ? `at most ${count(most)} in ${step / 60_000} min` : 'nothing'}</span><span>now</span></p></figure>`;
}

/** What settled and what was paid for in the last day. @param {{activity: Api.Activity}} props */
export function Plots({ activity }) {
  return html`<div class="columns"><${Plot} title="Settled" kinds=${SETTLED} activity=${activity} /><${Plot} title="Paid calls" kinds=${PAID} activity=${activity} /></div>`;
}
