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
  let flying = 0;
  let clicks = 0;
  const isRead = (request) => request.method() === 'GET' && request.url().includes('/api/v2/');
  page.on('request', (request) => {
    const { protocol, host } = new URL(request.url());
    if (protocol !== 'blob:' && host !== new URL(base).host && !hosts.includes(host)) faults.push(`asked ${request.url()}`);
    if (isRead(request)) { flying += 1; if (flying > 1) faults.push(`a second request at a time: ${request.url()}`); }
  });
  const landed = (request) => { if (isRead(request)) flying -= 1; };
  page.on('requestfinished', landed);
  page.on('requestfailed', landed);
  page.on('dialog', (dialog) => { faults.push(`dialog ${dialog.message()}`); dialog.dismiss(); });
  page.on('pageerror', (error) => faults.push(error.stack));
  page.on('console', (message) => {
    const where = message.location().url;
    // Browsers say so of every refusal; and a service that groups no failures has nothing there.
    const refused = /status of 40[134]|status of 4(09|22)/.test(message.text());
    if (message.type() === 'error' && !(refused && (denied || where.endsWith('/failures')))) faults.push(`${message.text()} ${where}`);
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
