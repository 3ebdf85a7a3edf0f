// The caller's key: kept for this tab alone, and asked for when the API asks for it.
const NAME = 'assetmill.key';

/** @type {Set<() => void>} */
const watchers = new Set();
let needed = '';

/** The key, or nothing where none was given. */
export function get() {
  return sessionStorage.getItem(NAME) || '';
}

/** Keeps a key, or forgets it, and lets what waits for it go on. @param {string} key */
export function set(key) {
  if (key) sessionStorage.setItem(NAME, key);
  else sessionStorage.removeItem(NAME);
  needed = '';
  tell();
}

/** The API took none, or not this one. @param {string} [why] */
export function require(why) {
  const before = needed;
  needed = why || 'The service asks for a key.';
  if (needed !== before) tell();
}

/** Why a key is needed now; empty if none is. */
export function need() {
  return needed;
}

/** @param {() => void} watcher */
export function watch(watcher) {
  watchers.add(watcher);
  return () => { watchers.delete(watcher); };
}

function tell() {
  for (const watcher of watchers) watcher();
}
