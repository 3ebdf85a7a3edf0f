// Numbers, times and names, for people.
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 3 });
const ago = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });

/** @param {number} n */
export const count = (n) => whole.format(n || 0);

/** "1 flow", "2 flows". @param {number} n @param {string} noun @param {string} [plural] */
export const many = (n, noun, plural = `${noun}s`) => `${count(n)} ${n === 1 ? noun : plural}`;

/** @param {number} n */
export function bytes(n) {
  const units = ['B', 'kB', 'MB', 'GB'];
  let at = 0;
  let value = n;
  for (; value >= 1000 && at < units.length - 1; at += 1) value /= 1000;
  return `${at && value < 100 ? value.toFixed(1) : Math.round(value)} ${units[at]}`;
}

/** @param {number} ms */
export function lasting(ms) {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.round((ms % 60_000) / 1_000)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** "3 min ago", "in 40 sec.". @param {string} time */
export function relative(time) {
  const seconds = (Date.parse(time) - Date.now()) / 1_000;
  const size = Math.abs(seconds);
  if (size < 60) return ago.format(Math.round(seconds), 'second');
  if (size < 3_600) return ago.format(Math.round(seconds / 60), 'minute');
  if (size < 86_400) return ago.format(Math.round(seconds / 3_600), 'hour');
  return ago.format(Math.round(seconds / 86_400), 'day');
}

/** In the reader's zone, to the millisecond. @param {string} time */
export function exact(time) {
  return new Date(time).toLocaleString(undefined, {
    dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23',
  }) + `.${new Date(time).getMilliseconds().toString().padStart(3, '0')}`;
}

/** The end of an id: its beginning is the time, which rows have in common. @param {string} id */
export const short = (id) => (id.length > 8 ? `…${id.slice(-8)}` : id);

/** A URL that may be a link or a picture: of the web, or of the service itself. @param {string} url */
export function linkable(url) {
  try {
    const { protocol } = new URL(url, document.baseURI);
    return protocol === 'http:' || protocol === 'https:';
  } catch {
    return false;
  }
}

/** The host of a URL, and the rest, for a narrow place. @param {string} url */
export function split(url) {
  const found = /^https?:\/\/([^/?#]*)(.*)$/.exec(url);
  return found ? { host: found[1], rest: found[2] || '/' } : { host: '', rest: url };
}
