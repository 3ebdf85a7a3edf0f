// Among a hundred thousand flows, what failed is found, and what is meant is done to all of them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open } from '../support/browser.mjs';
import { start } from '../support/program.mjs';

const BATCHES = 10;
const EACH = 10_000;

/** @type {Awaited<ReturnType<typeof start>>} */
let program;
/** @type {import('playwright-core').Browser} */
let browser;
/** @type {string[]} */
const ids = [];
let ill;

before(async () => {
  [program, browser] = await Promise.all([start(), launch()]);
  const { origin } = program;
  ill = await program.batch(Array.from({ length: 12 }, (_, at) => `${origin.url}ill/${at}.jpg`), 'thumbnail', undefined, { name: 'the twelve' });
  // What is paused is accepted, and costs no picture.
  await program.ask('api/v2/operations/resize/pause', {});
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const urls = Array.from({ length: EACH }, (_, at) => `${origin.url}${batch}/${at}.jpg`);
    const begun = await program.ask('api/v2/transforms', { digital_asset_urls: urls, operation: 'resize', name: `shelf ${batch}` });
    ids.push(begun.batch_id);
  }
});
after(async () => { await browser.close(); await program.close(); });

test('twelve failures are found and retried in three clicks', async () => {
  assert.equal(ill.counts.failed, 12);
  const seen = await open(browser, program.page);
  await seen.go();
  await seen.heading('Overview');
  await seen.press('button', /^Retry those with source_not_found/);
  await seen.page.getByRole('heading', { name: 'Retry 12 flows?' }).waitFor();
  await seen.shot('twelve');
  await seen.answer('Retry 12');
  await seen.page.getByText('12 flows begun again').waitFor();
  assert.ok(seen.clicks() <= 3, `${seen.clicks()} clicks`);
  await seen.page.getByRole('link', { name: /^…/ }).waitFor();
  const { batches: [latest] } = await program.ask('api/v2/batches?limit=1');
  assert.deepEqual([latest.retry_of, latest.digital_asset_count], [ill.batch_id, 12]);
  await seen.close();
});

test('one of ten thousand is found by its URL, and another batch is cancelled whole', async () => {
  const seen = await open(browser, program.page);
  // Ten thousand rows are written, by a program that nobody optimised and that has a hundred thousand to look at.
  seen.page.setDefaultTimeout(120_000);
  await seen.go(`#/batches/${ids[3]}`);
  await seen.page.getByLabel('Text in the URL').fill('/3/9876.');
  await seen.page.getByRole('link', { name: /9876\.jpg/ }).waitFor();
  await seen.page.locator('[data-row]').nth(1).waitFor({ state: 'detached' });
  await seen.go(`#/batches/${ids[4]}`);
  await seen.press('button', 'Cancel 10,000 pending…');
  await seen.answer('Cancel 10,000');
  await seen.page.getByText('10,000 flows cancelled.').waitFor();
  await seen.page.waitForFunction(() => document.title.includes('resize cancelled'));
  await seen.close();
});
