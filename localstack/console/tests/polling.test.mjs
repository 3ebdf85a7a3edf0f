// How often a view asks: by what moves, and not at all while nobody looks.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open } from '../support/browser.mjs';
import { take } from '../support/clock.mjs';
import { start } from '../support/program.mjs';

/** @type {Awaited<ReturnType<typeof start>>} */
let program;
/** @type {import('playwright-core').Browser} */
let browser;
let flow;
let endpoint;

before(async () => {
  [program, browser] = await Promise.all([start(), launch()]);
  ({ flows: [flow] } = await program.batch([`${program.origin.url}ill/a.jpg`], 'convert'));
  ({ webhook_id: endpoint } = await program.ask('api/v2/webhooks', { url: `${program.origin.url}hook`, events: ['batch.completed'] }));
});
after(async () => { await browser.close(); await program.close(); });

test('a view asks each second while something moves, and each ten when nothing does', async () => {
  const seen = await open(browser, program.page);
  const clock = await take(seen.page);
  await seen.go('#/batches');
  await seen.page.locator('[data-row]').first().waitFor();
  await clock.stop();
  await program.batch([`${program.origin.url}ill/b.jpg`], 'convert');
  await clock.asked();
  await clock.pass(60_000);
  const asked = await clock.asked();
  assert.equal(await seen.page.locator('[data-row]').count(), 2);
  const pauses = asked.slice(1).map((at, n) => at - asked[n]);
  for (const [n, pause] of [1_000, 1_600, 2_560, 4_096, 6_553, 10_000, 10_000].entries()) {
    assert.ok(pauses[n] >= pause && pauses[n] < pause + 200, `${pauses} have ${pause} at ${n}`);
  }
  await seen.close();
});

test('while it is hidden, a view asks nothing; seen again, it asks at once', async () => {
  const views = ['overview', 'batches', 'operations', 'run', 'webhooks', `webhooks/${endpoint}`, `batches/${flow.batch_id}`, `flows/${flow.flow_id}`];
  for (const view of views) {
    const seen = await open(browser, program.page);
    const clock = await take(seen.page);
    await seen.go(`#/${view}`);
    await seen.page.locator('.loading').waitFor({ state: 'detached' });
    await clock.stop();
    await clock.pass(12_000, 1_000);
    assert.ok((await clock.asked()).length > 0, view);
    await clock.turn(true);
    await clock.pass(60_000, 10_000);
    assert.deepEqual(await clock.asked(), [], view);
    await clock.turn(false);
    assert.ok((await clock.asked()).length > 0, view);
    await seen.close();
  }
});
