// Every view is a URL: `#/batches/ID?state=FAILED`.
import { useEffect, useState } from './vendor/htm-preact.js';

/**
 * @typedef {{name: string, id: string, query: Record<string, string>}} Route
 * @param {string} hash @returns {Route}
 */
export function parse(hash) {
  const [path, search = ''] = hash.replace(/^#\/?/, '').split('?');
  const [name, id = ''] = path.split('/');
  let plain = id;
  try {
    plain = decodeURIComponent(id);
  } catch { /* Not one of ours: it is then not found. */ }
  return { name: name || 'overview', id: plain, query: Object.fromEntries(new URLSearchParams(search)) };
}

/** A link to a view. @param {string} path @param {Record<string, any>} [query] */
export function href(path, query = {}) {
  const kept = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const search = new URLSearchParams(kept).toString();
  return `#/${path}${search && `?${search}`}`;
}

/** Changes the filters of the view that is shown; what is typed leaves no trail for the back button.
 * @param {Record<string, any>} changes @param {{typed?: boolean}} [how] */
export function filter(changes, { typed = false } = {}) {
  const { name, id, query } = parse(location.hash);
  const target = href(id ? `${name}/${encodeURIComponent(id)}` : name, { ...query, ...changes });
  if (typed) location.replace(target);
  else location.hash = target;
}

/** @returns {Route} */
export function useRoute() {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const moved = () => setHash(location.hash);
    addEventListener('hashchange', moved);
    return () => removeEventListener('hashchange', moved);
  }, []);
  return parse(hash);
}

/** Names the tab. @param {string} title */
export function useTitle(title) {
  useEffect(() => { document.title = title ? `${title} · Assetmill` : 'Assetmill'; }, [title]);
}
