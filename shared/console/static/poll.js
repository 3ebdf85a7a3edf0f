// Asks again and again: one request at a time, quickly while something moves, and not while nobody looks.
import { useEffect, useRef, useState } from './vendor/htm-preact.js';
import { watch } from './key.js';

const QUICKEST = 1_000;
const SLOWEST = 10_000;
const SLOWER = 1.6;

/**
 * What `load` last answered, kept fresh.
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load asks for it; makes its requests one after the other
 * @param {any[]} deps with others, everything begins anew
 * @param {(data: T) => any} [mark] what tells whether something moved; all of it, unless it is given
 * @returns {{data: T | undefined, last: T | undefined, error: any, again: () => void}} `last` is what was answered last,
 *   though it was to other deps: to be shown until `data` is there.
 */
export function usePoll(load, deps, mark = (data) => data) {
  const [state, setState] = useState({ data: undefined, of: deps, error: undefined, at: deps });
  const latest = useRef(load);
  latest.current = load;
  const poke = useRef(() => {});

  useEffect(() => {
    const control = new AbortController();
    let timer = 0;
    let flying = false;
    let asked = false;
    let pause = QUICKEST;
    let before = '';

    async function tick() {
      clearTimeout(timer);
      if (flying) { asked = true; return; }
      if (document.hidden) return;
      flying = true;
      asked = false;
      try {
        const data = await latest.current(control.signal);
        if (control.signal.aborted) return;
        const now = JSON.stringify(mark(data));
        pause = now === before ? Math.min(pause * SLOWER, SLOWEST) : QUICKEST;
        before = now;
        setState({ data, of: deps, error: undefined, at: deps });
      } catch (error) {
        if (control.signal.aborted) return;
        pause = Math.min(pause * 2, SLOWEST);
        setState((old) => ({ ...old, error, at: deps }));
      }
      flying = false;
      timer = setTimeout(tick, asked ? 0 : pause);
    }
    poke.current = () => { pause = QUICKEST; tick(); };
    const seen = () => { if (!document.hidden) poke.current(); };
    document.addEventListener('visibilitychange', seen);
    const unwatch = watch(() => poke.current());
    tick();
    return () => {
      control.abort();
      clearTimeout(timer);
      unwatch();
      document.removeEventListener('visibilitychange', seen);
    };
  }, deps);

  return {
    data: same(state.of, deps) ? state.data : undefined, last: state.data,
    error: same(state.at, deps) ? state.error : undefined, again: () => poke.current(),
  };
}

/** @param {any[]} one @param {any[]} other */
function same(one, other) {
  return one.length === other.length && one.every((part, at) => part === other[at]);
}
