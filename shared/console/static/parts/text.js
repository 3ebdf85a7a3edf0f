// A result that is a text, such as what a vendor read in a picture: shown as it is, up to a bound.
import { html, useEffect, useState } from '../vendor/htm-preact.js';
import { count } from '../format.js';

const MOST = 64_000;
const DEEPEST = 16;

/** @param {string} mediaType */
export const isText = (mediaType) => /^(text\/|application\/([^;]*\+)?(json|xml)\b)/.test(mediaType);

/** JSON on lines of its own, its numbers as they are written: to parse it would round them. @param {string} json */
export function indented(json) {
  let depth = 0;
  const line = (by) => {
    depth = Math.max(0, depth + by);
    return `\n${'  '.repeat(Math.min(depth, DEEPEST))}`;
  };
  return json.replace(/"(?:\\.|[^"\\])*"|\{\s*\}|\[\s*\]|\s+|[{}[\],:]/g, (token) => {
    if (/^\s/.test(token)) return '';
    if (token === '{' || token === '[') return `${token}${line(1)}`;
    if (token === '}' || token === ']') return `${line(-1)}${token}`;
    if (token === ',') return `,${line(0)}`;
    return token === ':' ? ': ' : token;
  });
}

/** The beginning of a text, and whether there is more. @param {string} url @param {AbortSignal} signal */
async function read(url, signal) {
  const answer = await fetch(url, { signal, credentials: 'omit' });
  if (!answer.ok) throw new Error(`it is not there any more (${answer.status})`);
  const reader = answer.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  while (text.length <= MOST) {
    const { done, value } = await reader.read();
    if (done) return { text, more: false };
    text += decoder.decode(value, { stream: true });
  }
  reader.cancel();
  return { text: text.slice(0, MOST), more: true };
}

/** @param {{result: Api.FlowResult}} props */
export function ResultText({ result }) {
  const [said, setSaid] = useState({ text: '', more: false, why: '' });
  // The page asks its own host alone.
  const near = new URL(result.url, document.baseURI).origin === location.origin;
  useEffect(() => {
    if (!near) return undefined;
    const control = new AbortController();
    read(result.url, control.signal)
      .then(({ text, more }) => setSaid({ text: /json\b/.test(result.media_type) ? indented(text) : text, more, why: '' }))
      .catch((error) => { if (!control.signal.aborted) setSaid({ text: '', more: false, why: error.message }); });
    return () => control.abort();
  }, [result.sha256]);
  return html`<section aria-labelledby="said"><h2 id="said">The result</h2>
    ${!near && html`<p class="quiet">It lies at another host: open it there.</p>`}
    ${said.why && html`<p class="quiet">It can’t be shown: ${said.why}.</p>`}
    ${said.text && html`<pre tabindex="0" class="said" aria-labelledby="said">${said.text}</pre>`}
    ${said.more && html`<p class="quiet">That is its beginning, ${count(MOST)} letters.</p>`}</section>`;
}
