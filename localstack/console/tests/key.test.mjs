// Where callers need keys: asked for once, kept for the tab, and sent; and what an operator alone may do is refused to others.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open } from '../support/browser.mjs';
import { start, startShop } from '../support/program.mjs';

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
  const seen = await open(browser, program.page, { denied: true });
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

test('who comes with another key sees nothing of the one before', async () => {
  program.key = KEY;
  await program.batch([`${program.origin.url}ill/1.jpg`], 'thumbnail');
  program.key = 'olga-olga-olga-olga';
  await program.batch([`${program.origin.url}good/1.jpg`], 'convert');
  const seen = await open(browser, program.page, { denied: true });
  await seen.go();
  await seen.page.getByLabel('Key').fill(KEY);
  await seen.press('button', 'Use it');
  await seen.page.getByRole('button', { name: /^Retry those with source_not_found/ }).waitFor();
  await seen.press('button', 'Forget the key');
  await seen.page.getByLabel('Key').fill('olga-olga-olga-olga');
  await seen.press('button', 'Use it');
  await seen.page.getByText('Of the latest batch,').waitFor();
  assert.equal(await seen.page.getByText('source_not_found').count(), 0);
  await seen.close();
});

test('a key for reading alone is told so at its first refusal, and from then on its buttons are off', async () => {
  const shop = await startShop();
  const batch = await shop.batch([`${shop.origin.url}ill/1.jpg`], 'thumbnail');
  const seen = await open(browser, shop.page, { denied: true });
  await seen.go(`#/batches/${batch.batch_id}`);
  await seen.page.getByLabel('Key').fill('reader-reader-reader-reader');
  await seen.press('button', 'Use it');
  const notice = seen.page.getByText('Your key is for reading alone');
  await seen.press('button', 'Retry 1 failed…');
  await seen.page.locator('dialog').getByText('read_only_key').waitFor();
  await seen.answer('Leave it');
  await notice.waitFor();
  for (const name of ['Retry 1 failed…', 'Retry those with source_not_found']) await seen.isOff(name);
  await seen.page.keyboard.press('r');
  await seen.accessible('for reading alone');
  await seen.shot('reading-alone');
  await seen.page.reload();
  await notice.waitFor();
  await seen.go('#/operations');
  await seen.isOff('Pause resize');
  await seen.go(`#/run?urls=${shop.origin.url}a.jpg`);
  await seen.isOff('Run thumbnail on 1 asset');
  assert.equal(await seen.page.locator('dialog').count(), 0);
  assert.equal((await shop.ask('api/v2/batches')).batches.length, 1);
  await seen.press('button', 'Forget the key');
  await notice.waitFor({ state: 'detached' });
  await seen.close();
  await shop.close();
});
