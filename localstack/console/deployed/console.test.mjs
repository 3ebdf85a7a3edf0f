// The console of the stack that is deployed at ASSETMILL_TEST_URL, to the holder of ASSETMILL_TEST_CONSOLE_KEY; and the same
// below a prefix.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open } from '../support/browser.mjs';
import { below } from '../support/prefix.mjs';
import { serve } from '../support/vendor.mjs';

const { ASSETMILL_TEST_URL: url, ASSETMILL_TEST_CONSOLE_KEY: key, AWS_ENDPOINT_URL: s3 } = process.env;
/** @type {import('playwright-core').Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof serve>>} */
let origin;
/** @type {Awaited<ReturnType<typeof below>>} */
let gateway;
/** Where a flow can be seen. */
let flow = '';

before(async () => { [browser, origin, gateway] = await Promise.all([launch(), serve(), below(url, '/some/stage')]); });
after(async () => { await browser.close(); origin.close(); gateway.close(); });

/** The page, once its holder gave the key. */
async function entered(base) {
  const seen = await open(browser, `${base}console`, { hosts: [new URL(s3).host], denied: true });
  seen.page.setDefaultTimeout(60_000);
  await seen.go();
  await seen.page.getByLabel('Key').fill(key);
  await seen.press('button', 'Use it');
  await seen.heading('Overview');
  return seen;
}

test('whoever comes to an empty stack runs an operation, and sees what came of it', { timeout: 300_000 }, async () => {
  const seen = await entered(`${url}/`);
  await seen.page.getByRole('heading', { name: 'No batch yet' }).waitFor();
  await seen.accessible('empty');
  await seen.go('#/run');
  await seen.page.getByLabel('URLs').fill(`${origin.url}cup.jpg\n${origin.url}ill/1.jpg`);
  await seen.press('button', 'Run thumbnail on 2 assets');
  await seen.page.getByText('2 of 2 settled').waitFor();
  await seen.page.getByRole('button', { name: /^Retry those with source_not_found/ }).waitFor();
  await seen.press('link', /cup\.jpg/);
  await seen.page.getByAltText('The result').waitFor();
  await seen.page.getByText('result 512 × 341').waitFor();
  flow = new URL(seen.page.url()).hash;
  await seen.accessible('flow');
  await seen.close();
});

test('what failed is retried from the overview', { timeout: 300_000 }, async () => {
  origin.heal();
  const seen = await entered(`${url}/`);
  await seen.press('button', /^Retry those with source_not_found/);
  await seen.page.getByRole('heading', { name: 'Retry 1 flow?' }).waitFor();
  await seen.answer('Retry 1');
  await seen.page.waitForFunction(() => document.title.includes('thumbnail completed'));
  await seen.close();
});

test('each view is whole, below a prefix too', { timeout: 300_000 }, async () => {
  for (const [name, base] of [['deployed', `${url}/`], ['stage', gateway.url]]) {
    const seen = await entered(base);
    const views = [['', 'Overview'], ['#/batches', 'Batches'], ['#/operations', 'Operations'], ['#/run', 'Run'], [flow, /^Flow/]];
    for (const [hash, heading] of /** @type {[string, any][]} */ (views)) {
      await seen.go(hash);
      await seen.heading(heading);
      await seen.page.locator('.loading').waitFor({ state: 'detached' });
      assert.equal(await seen.page.locator('.trouble').count(), 0, hash);
      await seen.accessible(`${name} ${hash}`);
      await seen.shot(`${name}-${hash.split('/')[1] || 'overview'}`);
    }
    await seen.close();
  }
});
