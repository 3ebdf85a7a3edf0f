// The flows of a batch, page by page: each tick asks for the batch and for the page that is looked at.
import { useRef } from './vendor/htm-preact.js';
import { ask } from './api.js';
import { usePoll } from './poll.js';

const PAGE = 200;

/** Links of results that still work: a picture is not loaded again because its link is a newer one.
 * @type {Map<string, {url: string, expires_at: string}>} */
const links = new Map();
const MOST_LINKS = 20_000;
const NEARLY = 60_000;

/** @template {any} F @param {F} flow @returns {F} */
export function steady(flow) {
  const { result, flow_id } = /** @type {any} */ (flow);
  if (!result) return flow;
  const kept = links.get(flow_id);
  if (kept && Date.parse(kept.expires_at) - Date.now() > NEARLY) {
    result.url = kept.url;
    result.expires_at = kept.expires_at;
  } else {
    if (links.size > MOST_LINKS) links.clear();
    links.set(flow_id, { url: result.url, expires_at: result.expires_at });
  }
  return flow;
}

/**
 * @param {string} id of the batch
 * @param {{state?: string, code?: string, url?: string, group?: string}} filters
 */
export function useFlows(id, filters) {
  const { state = '', code = '', url = '', group = '' } = filters;
  const deps = [id, state, code, url, group];
  const kept = useRef(/** @type {any} */ (null));
  // Pages of other filters are of no use; why flows failed is asked of the whole batch.
  if (!kept.current || kept.current.of !== deps.join('\n')) {
    const { failed = -1, groups = [] } = kept.current || {};
    kept.current = { of: deps.join('\n'), pages: [], seen: 0, wanted: 0, failed, groups };
  }
  const poll = usePoll(/** @returns {Promise<{batch: Api.Batch, flows: Api.Flow[], more: boolean, groups: Api.FailureGroup[]}>} */ async (signal) => {
    const mine = kept.current;
    const last = mine.pages.at(-1);
    const further = last?.next && mine.wanted >= PAGE * mine.pages.length;
    const at = further ? mine.pages.length : Math.min(mine.seen, Math.max(mine.pages.length - 1, 0));
    const cursor = at > 0 ? mine.pages[at - 1].next : undefined;
    const { flows, next_cursor: next, ...batch } = await ask(`api/v2/batches/${id}`, {
      query: { state, code, url, group, limit: PAGE, cursor }, signal,
    });
    // What follows a page that ends elsewhere than before is asked for again.
    if (mine.pages[at] && mine.pages[at].next !== next) mine.pages.length = at;
    mine.pages[at] = { flows: flows.map(steady), next };
    if (batch.counts.failed !== mine.failed) {
      mine.groups = batch.counts.failed > 0 ? (await ask(`api/v2/batches/${id}/failures`, { signal })).groups : [];
      mine.failed = batch.counts.failed;
    }
    const all = new Map(mine.pages.flatMap((page) => page.flows.map((flow) => [flow.flow_id, flow])));
    return { batch, flows: [...all.values()], more: Boolean(mine.pages.at(-1).next), groups: mine.groups };
  }, deps, ({ batch, flows }) => [batch.counts, batch.status, flows.map((flow) => [flow.state, flow.attempts])]);

  /** Tells which rows are looked at. @param {number} from @param {number} to */
  function look(from, to) {
    const mine = kept.current;
    mine.seen = Math.floor((from + to) / 2 / PAGE);
    const before = mine.wanted;
    mine.wanted = to + PAGE / 2;
    if (mine.wanted > before && mine.wanted >= PAGE * mine.pages.length && mine.pages.at(-1)?.next) poll.again();
  }
  return { ...poll, look };
}
