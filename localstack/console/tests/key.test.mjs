// Where callers need keys: asked for once, kept for the tab, and sent; and what an operator alone may do is refused to others.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open } from '../support/browser.mjs';
import { start } from '../support/program.mjs';

const KEY = 'alice-alice-alice-alice';
/** @type {Awaited<ReturnType<typeof start>>} */
let program;
/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
  [program, browser] = await Promise.all([start(['--api-keys', `alice:${KEY},olga:olga-olga-olga-olga`, '--operators', 'olga']), launch()]);
});
after(async () => { await browser.close(); await program.close(); });

test('a key is asked for once', async () => {
  const seen = await open(browser, new URL('console', program.url).href, { denied: true });
  await seen.go('#/operations');
  await seen.heading('Your key');
  await seen.accessible('key');
  await seen.shot('key');
  await seen.page.getByLabel('Key').fill('wrong-wrong-wrong-wrong');
  await seen.press('button', 'Use it');
  await seen.heading('Your key');
  await seen.page.getByLabel('Key').fill(KEY);
  await seen.press('button', 'Use it');
  await seen.heading('Operations');
  await seen.press('button', 'Pause resize');
  await seen.answer('Pause');
  await seen.page.getByText('not_an_operator').waitFor();
  await seen.accessible('refused');
  await seen.answer('Leave it');
  await seen.page.reload();
  await seen.page.getByRole('button', { name: 'Pause resize' }).waitFor();
  const kept = await seen.page.evaluate(() => [localStorage.length, document.cookie]);
  assert.deepEqual(kept, [0, '']);
  await seen.press('button', 'Forget the key');
  await seen.heading('Your key');
  await seen.close();
});
