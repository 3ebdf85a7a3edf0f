// Debian's Chromium, and a page of which everything is watched.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SHOTS = new URL('../../../target/console/', import.meta.url).pathname;
mkdirSync(SHOTS, { recursive: true });

export const launch = () => chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

/** Runs in the page: tells of a second read while one is under way. */
function watchFetch() {
  const really = globalThis.fetch;
  const flying = new Set();
  globalThis.fetch = (url, how) => {
    if (how?.method !== 'GET') return really(url, how);
    if (flying.size > 0) Reflect.get(globalThis, 'tooMany')(String(url));
    const one = {};
    const landed = () => flying.delete(one);
    flying.add(one);
    how.signal?.addEventListener('abort', landed);
    const answer = really(url, how);
    answer.then(landed, landed);
    return answer;
  };
}

/**
 * A page of its own, of which is noted what must not happen.
 * @param {import('playwright-core').Browser} browser @param {string} base where the console is
 * @param {{hosts?: string[], dark?: boolean, narrow?: boolean, denied?: boolean}} [how]
 */
export async function open(browser, base, { hosts = [], dark = false, narrow = false, denied = false } = {}) {
  const context = await browser.newContext({
    viewport: narrow ? { width: 400, height: 800 } : { width: 1280, height: 800 },
    colorScheme: dark ? 'dark' : 'light', acceptDownloads: true,
  });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  const faults = [];
  let clicks = 0;
  await page.exposeFunction('tooMany', (url) => faults.push(`a second request at a time: ${url}`));
  await page.addInitScript(watchFetch);
  page.on('request', (request) => {
    const { protocol, host } = new URL(request.url());
    if (protocol !== 'blob:' && host !== new URL(base).host && !hosts.includes(host)) faults.push(`asked ${request.url()}`);
  });
  page.on('dialog', (dialog) => { faults.push(`dialog ${dialog.message()}`); dialog.dismiss(); });
  page.on('pageerror', (error) => faults.push(error.stack));
  page.on('console', (message) => {
    // Browsers say so of every refusal.
    const expected = denied && /status of 4(01|03|22)/.test(message.text());
    if (message.type() === 'error' && !expected) faults.push(`${message.text()} ${message.location().url}`);
    if (message.text().includes('Content Security Policy')) faults.push(message.text());
  });
  return {
    page,
    go: (hash = '') => page.goto(`${base}${hash}`),
    heading: (text) => page.getByRole('heading', { level: 1, name: text }).waitFor(),
    /** Presses what has this role and name. */
    async press(role, name) { clicks += 1; await page.getByRole(role, { name }).first().click(); },
    /** Presses a button of the question that is asked. */
    async answer(name) { clicks += 1; await page.locator('dialog[open]').getByRole('button', { name, exact: true }).click(); },
    /** That a button says it is off, and does nothing when it is pressed all the same. @param {string | RegExp} name */
    async isOff(name) {
      const button = page.getByRole('button', { name });
      await button.waitFor();
      assert.equal(await button.getAttribute('aria-disabled'), 'true', String(name));
      await button.dispatchEvent('click');
    },
    clicks: () => clicks,
    shot: (name) => page.screenshot({ path: `${SHOTS}${name}.png` }),
    /** What a checker of accessibility calls serious. @param {string} where */
    async accessible(where) {
      await page.evaluate(AXE);
      // @ts-ignore axe is what was just put there.
      const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).slice(0, 3).join(' | ')}`);
      assert.deepEqual(serious, [], where);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wider <= 0, `${where} is ${wider} pixels wider than the window`);
    },
    /** Ends it, and looks at what was noted. */
    async close() {
      const planted = await page.evaluate(() => Reflect.get(globalThis, 'planted') || document.querySelectorAll('img[src="x"]').length);
      await context.close();
      assert.deepEqual(faults, []);
      assert.equal(planted, 0, 'what others wrote was taken for HTML');
    },
  };
}
