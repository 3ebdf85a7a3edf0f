// An endpoint is told again what happened in a time: first it is said how much that is.
import { html, useEffect, useState } from '../vendor/htm-preact.js';
import { ask } from '../api.js';
import { many } from '../format.js';
import { Trouble } from './bits.js';
import { Confirm, say } from './dialog.js';
import { at } from './endpoint.js';

const DAY = 86_400_000;
const STOPPED = 300;

/** As a field for a time has it, in the reader's zone. @param {number} ms */
function local(ms) {
  const time = new Date(ms);
  return new Date(ms - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** @param {string} text */
const moment = (text) => (text ? new Date(text).toISOString() : '');

/** How many, of all that there are. @param {string} id @param {Record<string, any>} query @param {AbortSignal} [signal] */
async function replay(id, query, signal) {
  let sum = 0;
  let cursor;
  do {
    const told = await ask(`${at(id)}/replay`, { method: 'POST', query: { ...query, cursor }, signal });
    sum += told.replayed;
    cursor = told.next_cursor;
  } while (cursor);
  return sum;
}

/** @param {{id: string, state: string, close: () => void, again: () => void}} props */
export function Replay({ id, state, close, again }) {
  const [since, setSince] = useState(() => local(Date.now() - DAY));
  const [until, setUntil] = useState('');
  const [meant, setMeant] = useState(state || 'GIVEN_UP');
  const [told, setTold] = useState({ of: '', n: -1, error: null });
  const query = { since: moment(since), until: moment(until), state: meant };
  const key = JSON.stringify(query);
  useEffect(() => {
    const control = new AbortController();
    const timer = setTimeout(() => {
      replay(id, { ...query, dry_run: true }, control.signal)
        .then((n) => setTold({ of: key, n, error: null }))
        .catch((error) => { if (!control.signal.aborted) setTold({ of: key, n: -1, error }); });
    }, told.of ? STOPPED : 0);
    return () => { clearTimeout(timer); control.abort(); };
  }, [key]);
  const n = told.of === key ? told.n : -1;
  const deliveries = many(n, 'delivery', 'deliveries');
  async function act() {
    say(`${many(await replay(id, query), 'delivery', 'deliveries')} to be told again.`);
    again();
  }
  const time = (label, value, set) => html`<label class="stacked">${label}<input type="datetime-local" value=${value} onInput=${(event) => set(event.target.value)} /></label>`;
  return html`<${Confirm} title=${n < 0 ? 'Tell it again?' : n === 0 ? 'Nothing is so' : `Tell it ${deliveries} again?`} verb=${n <= 0 ? 'Replay' : `Replay ${deliveries}`} ready=${n > 0} act=${act} close=${close}>
    <label class="stacked">What stands as<select autofocus value=${meant} onChange=${(event) => setMeant(event.target.value)}>
      <option value="GIVEN_UP">given up</option><option value="PENDING">pending</option><option value="DELIVERED">delivered</option><option value="">anything</option></select></label>
    ${time('Since', since, setSince)}${time('Until', until, setUntil)}
    <p class="quiet">Of what happened then, in your zone; an empty field is no bound. Each has the id that it had, and is signed anew.</p>
    <${Trouble} error=${told.of === key && told.error} /></${Confirm}>`;
}
