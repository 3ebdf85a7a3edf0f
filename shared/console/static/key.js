// The caller's key: kept for this tab alone, and asked for when the API asks for it.
const NAME = 'assetmill.key';
const READS = 'assetmill.key.reads';

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
  sessionStorage.removeItem(READS);
  needed = '';
  tell();
}

/** The API said of the key that it is for reading alone; nothing says so before. */
export function onlyReads() {
  if (readsOnly()) return;
  sessionStorage.setItem(READS, 'yes');
  tell();
}

/** Whether the key is known to be for reading alone. */
export function readsOnly() {
  return sessionStorage.getItem(READS) !== null;
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
