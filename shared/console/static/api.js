// Asks the JSON API: the only thing that the console knows of the service.
import { get as getKey, onlyReads, require as requireKey, watch } from './key.js';

/** Where the API is, whatever prefix the console is served below. */
export const ROOT = new URL('../', import.meta.url);

/** A picture that the service has itself, to try things with. */
export const SAMPLE = new URL('samples/coffee.jpg', ROOT).href;

/** What the API, or the way to it, had against a request. */
export class Problem extends Error {
  /** @param {number} status @param {any} body */
  constructor(status, body) {
    super(body.detail || body.title || `HTTP ${status}`);
    this.status = status;
    /** @type {string} */
    this.code = body.code || `http_${status}`;
    /** Places in the request that are meant, with what is wrong there. @type {{pointer: string, detail: string}[]} */
    this.places = body.errors || (body.pointer ? [{ pointer: body.pointer, detail: body.detail }] : []);
    this.requestId = '';
  }
}

/** Answers with a tag are asked for again only if they changed. @type {Map<string, {etag: string, data: any}>} */
const known = new Map();
const MOST_KNOWN = 32;
// Of another caller, nothing is known.
watch(() => known.clear());

/**
 * The answer to a request.
 * @param {string} path below the root of the service, such as `api/v2/batches`
 * @param {{method?: string, query?: Record<string, any>, body?: any, headers?: Record<string, string>, signal?: AbortSignal}} [options]
 * @returns {Promise<any>}
 * @throws {Problem} unless the status is one of success; an abort as it comes.
 */
export async function ask(path, { method = 'GET', query = {}, body, headers = {}, signal } = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') url.searchParams.set(name, String(value));
  }
  const before = method === 'GET' ? known.get(url.href) : undefined;
  /** @type {Record<string, string>} */
  const sent = { accept: 'application/json', ...headers };
  const file = body instanceof Blob;
  if (body !== undefined) sent['content-type'] = !file ? 'application/json' : body.type.startsWith('image/') ? body.type : 'application/octet-stream';
  if (before) sent['if-none-match'] = before.etag;
  const key = getKey();
  if (key) sent.authorization = `Bearer ${key}`;

  let answer;
  try {
    answer = await fetch(url, {
      method, headers: sent, signal, cache: 'no-store', credentials: 'same-origin',
      body: body === undefined || file ? body : JSON.stringify(body),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(0, { code: 'no_answer', detail: 'The service does not answer. It is asked again.' });
  }
  if (answer.status === 304 && before) return before.data;
  if (answer.status === 204) return undefined;
  const data = await answer.json().catch((error) => {
    if (signal?.aborted) throw error;
    // What broke off is no answer, and is not to be remembered as one.
    if (answer.ok) throw new Problem(0, { code: 'no_answer', detail: 'The answer broke off. It is asked for again.' });
    return {};
  });
  if (!answer.ok) {
    if (answer.status === 401) requireKey(data.detail);
    if (data.code === 'read_only_key') onlyReads();
    const problem = new Problem(answer.status, data);
    problem.requestId = answer.headers.get('x-request-id') || '';
    throw problem;
  }
  const etag = answer.headers.get('etag');
  if (method === 'GET' && etag && key === getKey()) {
    known.delete(url.href);
    known.set(url.href, { etag, data });
    if (known.size > MOST_KNOWN) known.delete(known.keys().next().value);
  }
  return data;
}

/** A name for one request, so that sending it twice begins it once. */
export function idempotencyKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A word that a shell takes as it is. @param {string} text */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** The same batch for the command line. @param {any} body */
export function commandLine({ operation, params, digital_asset_urls: urls }) {
  const parts = ['assetmill run', operation];
  for (const [name, value] of Object.entries(params)) {
    parts.push(`-p ${quoted(`${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)}`);
  }
  parts.push(`--server ${quoted(ROOT.href)}`, ...urls.map(quoted));
  return parts.join(' ');
}

/** The same request for a shell. @param {string} path @param {{method?: string, body?: any}} [options] */
export function curl(path, { method = 'GET', body } = {}) {
  const parts = [`curl ${quoted(new URL(path, ROOT).href)}`];
  if (method !== 'GET' && body === undefined) parts.push(`-X ${method}`);
  if (getKey()) parts.push('-H "authorization: Bearer $ASSETMILL_KEY"');
  if (body !== undefined) parts.push(`-H 'content-type: application/json'`, `-d ${quoted(JSON.stringify(body))}`);
  return parts.join(' \\\n  ');
}
