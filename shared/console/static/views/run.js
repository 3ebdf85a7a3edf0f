// Begins a batch: an operation, its parameters, and where the assets are.
import { html, useMemo, useRef, useState } from '../vendor/htm-preact.js';
import { ask, commandLine, curl, idempotencyKey } from '../api.js';
import { readsOnly } from '../key.js';
import { usePoll } from '../poll.js';
import { href, useTitle } from '../route.js';
import { many } from '../format.js';
import { parse } from '../sources.js';
import { Copy, Loading, Trouble } from '../parts/bits.js';
import { say } from '../parts/dialog.js';
import { SchemaForm } from '../parts/form.js';
import { labelsOf, Naming } from '../parts/naming.js';
import { Sources } from '../parts/sources.js';

/** The parameters that a link brings along. @param {string} [text] */
function given(text) {
  try {
    const value = JSON.parse(text || '{}');
    return value && typeof value === 'object' ? value : {};
  } catch {
    return {};
  }
}

/** What the API had against places in the body, by line and by parameter. @param {any} error @param {number[]} lines */
function places(error, lines) {
  const params = {};
  const wrong = [];
  for (const { pointer, detail } of error?.places || []) {
    const [, field, at] = pointer.split('/');
    if (field === 'params' && at) params[at] = detail;
    else if (field === 'name' || field === 'labels') params[`/${field}`] = detail;
    else if (field === 'digital_asset_urls' && at !== undefined) wrong.push({ line: lines[Number(at)], why: detail });
  }
  return { params, wrong };
}

/** @param {{query: Record<string, string>}} props */
export function Run({ query }) {
  const { data, error: unanswered, again } = usePoll(/** @returns {Promise<Api.Operations>} */ (signal) => ask('api/v2/operations', { signal }), []);
  const catalogue = data?.operations;
  const [error, setError] = useState(null);
  const [name, setName] = useState(query.operation || '');
  const [values, setValues] = useState(() => given(query.params));
  const [text, setText] = useState(query.urls || '');
  const [title, setTitle] = useState('');
  const [labels, setLabels] = useState('');
  const busy = useRef(false);
  useTitle('Run');
  const operation = catalogue?.find((one) => (name ? one.name === name : one.default));
  const { urls, lines, wrong } = useMemo(() => parse(text), [text]);
  const body = { operation: operation?.name, params: values, name: title.trim() || undefined, labels: labelsOf(labels), digital_asset_urls: urls };
  // The same request is begun once, however often its button is pressed.
  const key = useMemo(idempotencyKey, [JSON.stringify(body)]);
  const refused = places(error, lines);
  const off = !urls.length || readsOnly();

  async function run(event) {
    event.preventDefault();
    if (busy.current || off) return;
    busy.current = true;
    setError(null);
    try {
      const started = await ask('api/v2/transforms', { method: 'POST', body, headers: { 'idempotency-key': key } });
      say(`${many(started.digital_asset_count, 'flow')} begun.`);
      location.hash = href(`batches/${started.batch_id}`);
    } catch (problem) {
      setError(problem);
    }
    busy.current = false;
  }

  if (!catalogue) return html`<h1>Run</h1>${unanswered ? html`<${Trouble} error=${unanswered} again=${again} />` : html`<${Loading} />`}`;
  const asCurl = curl('api/v2/transforms', { method: 'POST', body });
  const asCommand = commandLine(body);
  const short = (command) => (command.length > 4_000 ? `${command.slice(0, 4_000)}…` : command);
  return html`<h1>Run</h1>
    <form class="run" onSubmit=${run} noValidate>
      <div>
        <div class="field"><label for="operation">Operation</label>
          <select id="operation" value=${operation?.name} onChange=${(event) => { setName(event.target.value); setValues({}); setError(null); }}>
            ${catalogue.map((one) => html`<option key=${one.name} value=${one.name} disabled=${!one.available}>${one.name}${one.available ? '' : ' (unavailable)'}</option>`)}</select>
          <small class="quiet">${operation?.summary}${operation?.paid ? ' · each call is paid for' : ''}</small></div>
        ${operation && !operation.available && html`<p class="why waits">It can’t run here: ${operation.unavailable_reason}</p>`}
        ${operation && html`<${SchemaForm} schema=${operation.params} values=${values} errors=${refused.params} change=${setValues} />`}
      </div>
      <div>
        <${Sources} text=${text} set=${setText} wrong=${[...wrong, ...refused.wrong]} total=${urls.length} />
        <${Naming} title=${title} setTitle=${setTitle} labels=${labels} setLabels=${setLabels} errors=${refused.params} />
        <${Trouble} error=${error} />
        <p class="buttons"><button type="submit" class="primary" aria-disabled=${off}>${urls.length ? `Run ${operation?.name} on ${many(urls.length, 'asset')}` : 'Run'}</button></p>
        <details><summary>The same as curl</summary><pre tabindex="0">${short(asCurl)}</pre><${Copy} text=${asCurl} label="Copy as curl" /></details>
        <details><summary>The same as a command line</summary><pre tabindex="0">${short(asCommand)}</pre><${Copy} text=${asCommand} label="Copy as a command line" /></details>
      </div>
    </form>`;
}
