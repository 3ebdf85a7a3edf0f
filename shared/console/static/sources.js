// URLs out of what people paste and drop.

/** The most that the API takes at once. */
export const MOST = 10_000;

/** Cells of a CSV file, or of a list with a URL in each line. @param {string} text */
function cells(text) {
  const found = [];
  for (const [, quoted, plain] of text.matchAll(/"((?:[^"]|"")*)"|([^,;\t\r\n]+)/g)) {
    found.push((quoted === undefined ? plain : quoted.replaceAll('""', '"')).trim());
  }
  return found;
}

/** Whether a file is a list of URLs, and not an asset. @param {{name: string, type: string}} file */
export const isList = ({ name, type }) => type.startsWith('text/') || /\.(csv|tsv|txt)$/i.test(name);

/** The URLs of a list, one a line. @param {string} name @param {string} text */
export function urlsOf(name, text) {
  const hasCells = /\.(csv|tsv)$/i.test(name);
  return hasCells ? cells(text).filter((cell) => /^(https?:\/\/|asset:)/i.test(cell)).join('\n') : text.trim();
}

/**
 * The lines that are not empty, with what is wrong with some before anybody is asked.
 * @param {string} text @returns {{urls: string[], lines: number[], wrong: {line: number, why: string}[]}}
 */
export function parse(text) {
  const urls = [];
  const lines = [];
  const wrong = [];
  for (const [at, line] of text.split('\n').entries()) {
    const url = line.trim();
    if (!url) continue;
    urls.push(url);
    lines.push(at + 1);
    if (!/^(https?:\/\/[^/\s]|asset:)/i.test(url)) wrong.push({ line: at + 1, why: 'it is no http or https URL' });
  }
  if (urls.length > MOST) wrong.push({ line: lines[MOST], why: `only ${MOST} are taken at once` });
  return { urls, lines, wrong };
}
