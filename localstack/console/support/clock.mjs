// A page's clock in the test's hand: nothing is waited for, and when the page asked is known to the millisecond.

/** Runs in the page: notes by its clock when it asked, and how many answers it has not taken yet. */
function note() {
  const really = globalThis.fetch;
  const noted = { asked: [], flying: 0 };
  Reflect.set(globalThis, 'noted', noted);
  globalThis.fetch = async (url, how) => {
    if (how?.method !== 'GET') return really(url, how);
    noted.asked.push(Date.now());
    noted.flying += 1;
    const landed = () => { noted.flying -= 1; };
    const answer = await really(url, how).catch((error) => { landed(); throw error; });
    const json = answer.json.bind(answer);
    answer.json = () => json().finally(landed);
    if (answer.status === 304) landed();
    return answer;
  };
}

/** Runs in the page: ends once every answer was taken. */
function quiet() {
  return new Promise((done) => {
    const hop = new MessageChannel();
    hop.port1.onmessage = () => (Reflect.get(globalThis, 'noted').flying > 0 ? hop.port2.postMessage(0) : done(undefined));
    hop.port2.postMessage(0);
  });
}

/** Takes the clock of a page that shows nothing yet. @param {import('playwright-core').Page} page */
export async function take(page) {
  const begun = Date.now();
  await page.clock.install({ time: begun });
  await page.addInitScript(note);
  return {
    stop: () => page.clock.pauseAt(begun + 600_000),
    /** Lets time pass, and after each step everything that was asked be answered. @param {number} ms @param {number} [step] */
    async pass(ms, step = 100) {
      for (let left = ms; left > 0; left -= step) {
        await page.clock.runFor(step);
        await page.evaluate(quiet);
      }
    },
    /** When it asked, since it was last asked about. */
    asked: () => page.evaluate(() => Reflect.get(globalThis, 'noted').asked.splice(0)),
    /** @param {boolean} hidden whether the page is */
    async turn(hidden) {
      await page.evaluate((away) => {
        Object.defineProperty(document, 'hidden', { configurable: true, value: away });
        document.dispatchEvent(new Event('visibilitychange'));
      }, hidden);
      await page.evaluate(quiet);
    },
  };
}
