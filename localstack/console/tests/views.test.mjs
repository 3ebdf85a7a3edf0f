// Each view as it is seen: whole, reachable, and without a request to anybody else.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open } from '../support/browser.mjs';
import { below } from '../support/prefix.mjs';
import { start } from '../support/program.mjs';
import { PLANTED } from '../support/vendor.mjs';

/** @type {Awaited<ReturnType<typeof start>>} */
let program;
/** @type {import('playwright-core').Browser} */
let browser;
/** @type {{failed: any, done: any, waiting: any}} */
let seeded;

before(async () => {
  [program, browser] = await Promise.all([start(), launch()]);
  const { origin } = program;
  const many = (path, n) => Array.from({ length: n }, (_, at) => `${origin.url}${path}${at}.jpg`);
  await program.ask('api/v2/operations/resize/pause', {});
  const failed = await program.batch([...many('ill/', 12), ...many('good/', 40)], 'thumbnail');
  const refused = await program.batch([`${origin.url}a.jpg?${encodeURIComponent(PLANTED)}`, `ftp://x/${PLANTED}`], 'refused', undefined, { name: PLANTED, labels: { season: PLANTED } });
  const done = await program.batch(many('good/', 30), 'convert');
  const waiting = await program.batch(many('good/', 3_000), 'resize', (batch) => batch.counts.pending > 2_900 && batch.flows[0].waiting);
  await program.batch(many('slow/', 2), 'thumbnail', (batch) => batch.counts.running === 2);
  seeded = { failed, done, waiting };
  assert.match(refused.flows[0].error.message, /<img src=x/);
});
after(async () => { await browser.close(); await program.close(); });

test('the overview says what waits and for what', async () => {
  const seen = await open(browser, program.page);
  await seen.go();
  const waits = seen.page.locator('section', { has: seen.page.getByRole('heading', { name: 'What waits, and for what' }) });
  await waits.getByText('about 3,000').waitFor();
  await waits.getByText('an operator, who paused the operation').waitFor();
  await waits.getByRole('link', { name: 'resize' }).click();
  await seen.page.waitForURL(/state=PENDING/);
  await seen.close();
});

test('each view is whole in light and dark, and at 400 pixels', { timeout: 60_000 }, async () => {
  const { failed, done, waiting } = seeded;
  const ill = failed.flows.find((flow) => flow.state === 'FAILED');
  const refused = (await program.ask('api/v2/batches')).batches.find((batch) => batch.operation === 'refused');
  const planted = (await program.ask(`api/v2/batches/${refused.batch_id}`)).flows;
  const views = [
    ['overview', '', 'Overview', 'failed'], ['batches', '#/batches', 'Batches', 'running'],
    ['batch', `#/batches/${failed.batch_id}`, /^thumbnail/, '12 failed'],
    ['batch-waiting', `#/batches/${waiting.batch_id}`, /^resize/, 'resize running'],
    ['sheet', `#/batches/${done.batch_id}?show=sheet`, /^convert/, 'convert completed'],
    ['batch-planted', `#/batches/${refused.batch_id}`, /^<img/, '2 failed'],
    ['flow', `#/flows/${done.flows[0].flow_id}`, /^Flow/, 'completed flow'],
    ['flow-failed', `#/flows/${ill.flow_id}`, /^Flow/, 'source_not_found failed flow'],
    ['flow-waiting', `#/flows/${waiting.flows[0].flow_id}`, /^Flow/, 'pending flow'],
    ['flow-planted', `#/flows/${planted[0].flow_id}`, /^Flow/, 'vendor_rejected failed flow'],
    ['flow-ftp', `#/flows/${planted[1].flow_id}`, /^Flow/, 'failed flow'],
    ['operations', '#/operations', 'Operations', '1 stopped'], ['run', '#/run', 'Run', 'Run'],
    ['nowhere', '#/nowhere', 'Nothing is here', 'Assetmill'],
  ];
  for (const [mode, how] of [['light', {}], ['dark', { dark: true }], ['narrow', { narrow: true }]]) {
    const seen = await open(browser, program.page, how);
    for (const [name, hash, heading, title] of views) {
      await seen.go(hash);
      await seen.heading(heading);
      await seen.page.waitForFunction((part) => document.title.includes(part), title);
      await seen.page.locator('.loading').waitFor({ state: 'detached' });
      await seen.accessible(`${name}, ${mode}`);
      await seen.shot(`${mode}-${name}`);
    }
    await seen.close();
  }
});

test('an asset is loaded from its host only when it is asked for', async () => {
  const [flow] = seeded.done.flows;
  const base = new URL('console/', program.url).href;
  const shy = await open(browser, base);
  await shy.go(`#/flows/${flow.flow_id}`);
  await shy.page.getByAltText('The result').waitFor();
  await shy.close();

  const asking = await open(browser, base, { hosts: [program.origin.host] });
  await asking.go(`#/flows/${flow.flow_id}`);
  await asking.press('button', `Load the asset from ${program.origin.host}`);
  await asking.page.getByText('asset 600 × 400').waitFor();
  const slider = asking.page.getByRole('slider');
  await slider.press('End');
  assert.match(String(await asking.page.getByAltText('The asset').getAttribute('style')), /inset\(0(px|%)? 0%/);
  await asking.accessible('before and after');
  await asking.close();
});

test('a result that is a text is shown as one', async () => {
  const { flows: [flow] } = await program.batch([`${program.origin.url}cup.jpg`], 'tags');
  const seen = await open(browser, program.page);
  await seen.go(`#/flows/${flow.flow_id}`);
  const said = String(await seen.page.locator('pre.said').textContent());
  assert.equal(said, `{\n  "tags": [\n    "cup",\n    ${JSON.stringify(PLANTED)}\n  ],\n  "id": 12345678901234567890,\n  "none": {}\n}`);
  await seen.accessible('text');
  await seen.shot('flow-text');
  await seen.close();
});

test('thousands of flows are scrolled through, of which few are made', async () => {
  const seen = await open(browser, program.page);
  await seen.go(`#/batches/${seeded.waiting.batch_id}`);
  await seen.page.getByRole('link', { name: /good\/0\.jpg/ }).waitFor();
  const last = seen.page.getByRole('link', { name: /good\/2999\.jpg/ });
  while (await last.count() === 0) {
    await seen.page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    assert.ok(await seen.page.locator('tbody tr').count() < 150, 'rows are made that nobody sees');
    await seen.page.waitForTimeout(20);
  }
  await seen.close();
});

test('what settled and what was paid for is drawn, and told to those who do not see it', async () => {
  const seen = await open(browser, program.page);
  const since = Date.now() - 24 * 3_600_000;
  const point = (hours, counts) => ({ at: new Date(since + hours * 3_600_000).toISOString(), completed: 0, failed: 0, cancelled: 0, paid_calls: 0, ...counts });
  const points = [point(0, { completed: 40, failed: 2 }), point(6, { completed: 990, cancelled: 8 }), point(6.1, { completed: 10, paid_calls: 12 })];
  await seen.page.route(/api\/v2\/activity/, (route) => route.fulfill({ json: { since: new Date(since).toISOString(), interval_seconds: 300, points } }));
  await seen.go();
  const settled = seen.page.getByRole('img', { name: /^Settled: 2 failed, 1,040 completed, 8 cancelled; most at \d\d:\d\d, 1,008 in 15 minutes$/ });
  await settled.waitFor();
  assert.match(String(await settled.locator('title').last().textContent()), /: 1,000 completed, 8 cancelled$/);
  assert.equal(await settled.locator('rect').count(), 4);
  await seen.page.getByRole('img', { name: /^Paid calls: 12 in all; most at/ }).waitFor();
  await seen.accessible('plots');
  await seen.shot('plots');
  await seen.close();
});

test('below a prefix it is the same', async () => {
  const gateway = await below(program.url, '/some/prefix');
  for (const path of ['console', 'console/']) {
    const seen = await open(browser, `${gateway.url}${path}`);
    await seen.go('#/batches');
    await seen.page.getByRole('link', { name: 'convert' }).waitFor();
    await seen.close();
  }
  gateway.close();
});
