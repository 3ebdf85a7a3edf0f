// The frame around the views.
import { html, render, useEffect, useRef, useState } from './vendor/htm-preact.js';
import { get as getKey, need, readsOnly, set as setKey, watch } from './key.js';
import { useRoute } from './route.js';
import { Keys } from './parts/keys.js';
import { Notices } from './parts/dialog.js';
import { Empty } from './parts/bits.js';
import { Overview } from './views/overview.js';
import { Batches } from './views/batches.js';
import { Batch } from './views/batch.js';
import { Flow } from './views/flow.js';
import { Operations } from './views/operations.js';
import { Webhook } from './views/webhook.js';
import { Webhooks } from './views/webhooks.js';
import { Run } from './views/run.js';

const TABS = [['overview', 'Overview'], ['batches', 'Batches'], ['operations', 'Operations'], ['webhooks', 'Webhooks'], ['run', 'Run']];

function view({ name, id, query }) {
  if (name === 'overview') return html`<${Overview} />`;
  if (name === 'batches' && id) return html`<${Batch} key=${id} id=${id} query=${query} />`;
  if (name === 'batches') return html`<${Batches} query=${query} />`;
  if (name === 'flows' && id) return html`<${Flow} key=${id} id=${id} />`;
  if (name === 'operations') return html`<${Operations} />`;
  if (name === 'webhooks' && id) return html`<${Webhook} key=${id} id=${id} query=${query} />`;
  if (name === 'webhooks') return html`<${Webhooks} />`;
  if (name === 'run') return html`<${Run} query=${query} />`;
  return html`<h1>Nothing is here</h1><${Empty} title="The address leads to no view">
    <p><a href="#/overview">To the overview</a></p></${Empty}>`;
}

/** Asks for a key. @param {{why: string}} props */
function AskForKey({ why }) {
  const input = useRef(null);
  const keep = (event) => {
    event.preventDefault();
    setKey(input.current.value.trim());
  };
  useEffect(() => input.current.focus(), []);
  return html`<form class="ask" onSubmit=${keep}>
    <h1>Your key</h1>
    <p>${why}</p>
    <label>Key <input ref=${input} type="password" autocomplete="off" spellcheck=${false} required /></label>
    <p class="quiet">It is kept for this tab alone, until it is closed.</p>
    <p><button type="submit" class="primary">Use it</button></p>
  </form>`;
}

function App() {
  const route = useRoute();
  const [, setTick] = useState(0);
  const main = useRef(null);
  const first = useRef(true);
  useEffect(() => watch(() => setTick((tick) => tick + 1)), []);
  useEffect(() => {
    // Whoever reads with a screen reader is told that another view is shown.
    if (!first.current) { main.current.focus({ preventScroll: true }); scrollTo(0, 0); }
    first.current = false;
  }, [route.name, route.id]);
  const why = need();
  const tab = route.name === 'flows' ? 'batches' : route.name;
  return html`
    <a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); main.current.focus(); }}>To the content</a>
    <header>
      <a class="brand" href="#/overview">Assetmill</a>
      <nav aria-label="Views">${TABS.map(([name, label]) => html`<a key=${name} href=${`#/${name}`} aria-current=${tab === name ? 'page' : undefined}>${label}</a>`)}</nav>
      ${getKey() && html`<button type="button" class="plain" onClick=${() => setKey('')}>Forget the key</button>`}
    </header>
    <main id="main" ref=${main} tabindex="-1">
      ${readsOnly() && html`<p class="why waits" role="status">Your key is for reading alone: the buttons that start, stop or change something are off.</p>`}
      ${why ? html`<${AskForKey} why=${why} />` : view(route)}
    </main>
    <${Notices} /><${Keys} />`;
}

render(html`<${App} />`, document.getElementById('app'));
