// Of ten thousand rows, only those that are seen are made.
import { useEffect, useRef, useState } from '../vendor/htm-preact.js';

const OVER = 12;

/**
 * Which rows of a list are near the part of the page that is seen.
 * @param {number} rows @param {number} height of each, in pixels
 * @returns {{list: {current: any}, from: number, to: number}} put `list` as the ref of what holds the rows
 */
export function useWindowed(rows, height) {
  const list = useRef(null);
  const [seen, setSeen] = useState({ from: 0, to: 60 });
  useEffect(() => {
    let frame = 0;
    const measure = () => {
      frame = 0;
      if (!list.current) return;
      const top = -list.current.getBoundingClientRect().top;
      const from = Math.max(0, Math.floor(top / height) - OVER);
      const to = Math.max(0, Math.ceil((top + innerHeight) / height) + OVER);
      setSeen((old) => (old.from === from && old.to === to ? old : { from, to }));
    };
    const later = () => { frame ||= requestAnimationFrame(measure); };
    addEventListener('scroll', later, { passive: true });
    addEventListener('resize', later);
    measure();
    return () => {
      removeEventListener('scroll', later);
      removeEventListener('resize', later);
      cancelAnimationFrame(frame);
    };
  }, [rows, height]);
  return { list, from: Math.min(seen.from, Math.max(0, rows - 1)), to: Math.min(seen.to, rows) };
}

/** Whether the page is narrow, now. @param {string} query of CSS */
export function useMedia(query) {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const changed = () => setMatches(media.matches);
    media.addEventListener('change', changed);
    changed();
    return () => media.removeEventListener('change', changed);
  }, [query]);
  return matches;
}
