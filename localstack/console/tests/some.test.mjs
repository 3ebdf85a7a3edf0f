// What is meant is retried and cancelled, and nothing else: a group, one flow, what was chosen.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open } from '../support/browser.mjs';
import { start } from '../support/program.mjs';

/** @type {Awaited<ReturnType<typeof start>>} */
let program;
/** @type {import('playwright-core').Browser} */
let browser;
const base = () => program.page;
const many = (path, n) => Array.from({ length: n }, (_, at) => `${program.origin.url}${path}${at}.jpg`);

before(async () => { [program, browser] = await Promise.all([start(), launch()]); });
after(async () => { await browser.close(); await program.close(); });

test('of two groups with one code, the one that is meant is retried: in a batch, and in all', async () => {
  const refused = [];
  for (const n of [3, 1]) refused.push(await program.batch(many('good/', n), 'moody'));
  const seen = await open(browser, base());
  await seen.go(`#/batches/${refused[0].batch_id}`);
  await seen.page.locator('.groups li').nth(1).waitFor();
  await seen.press('button', /^Retry those with vendor_rejected: .*too small/);
  await seen.page.getByRole('heading', { name: 'Retry 1 flow?' }).waitFor();
  await seen.answer('Leave it');
  const dark = seen.page.locator('.groups li', { hasText: 'too dark' });
  await dark.getByRole('button', { name: 'Show these' }).click();
  await seen.page.locator('[data-row]').nth(2).waitFor({ state: 'detached' });
  assert.equal(await seen.page.locator('[data-row]').count(), 2);
  await seen.press('button', 'Retry these…');
  await seen.page.getByRole('heading', { name: 'Retry 2 flows?' }).waitFor();
  await seen.page.locator('dialog').getByText('it is too dark').waitFor();
  await seen.answer('Leave it');
  // The last of three was too dark, so the next is too small.
  await seen.go('#/overview');
  await seen.press('button', /^Retry those with vendor_rejected: .*too small/);
  await seen.page.getByRole('heading', { name: 'Retry 2 flows?' }).waitFor();
  await seen.accessible('retry of all batches');
  await seen.answer('Retry 2');
  await seen.page.getByText('2 flows begun again, as 2 batches').waitFor();
  await seen.heading('Batches');
  const { batches } = await program.ask('api/v2/batches?limit=2');
  assert.deepEqual(new Set(batches.map((batch) => batch.retry_of)), new Set(refused.map((batch) => batch.batch_id)));
  assert.deepEqual(batches.map((batch) => batch.digital_asset_count), [1, 1]);
  await seen.close();
});

test('one flow is retried, and one cancelled', async () => {
  await program.ask('api/v2/operations/resize/pause', {});
  const failed = await program.batch([...many('ill/', 1), 'ftp://example.com/e'], 'convert');
  const waiting = await program.batch(many('good/', 2), 'resize', (batch) => batch.flows.every((flow) => flow.waiting));
  const seen = await open(browser, base());
  await seen.go(`#/flows/${failed.flows[0].flow_id}`);
  await seen.press('button', 'Retry…');
  await seen.page.getByRole('heading', { name: 'Retry 1 flow?' }).waitFor();
  await seen.answer('Retry 1');
  await seen.page.getByText('1 flow begun again, as a batch').waitFor();
  await seen.page.waitForURL(/batches/);
  await seen.go(`#/flows/${failed.flows[1].flow_id}`);
  await seen.press('button', 'Retry…');
  await seen.page.getByRole('heading', { name: 'Nothing to retry' }).waitFor();
  await seen.answer('Leave it');
  const { batches: [latest] } = await program.ask('api/v2/batches?limit=1');
  assert.equal(latest.retry_of, failed.batch_id);
  await seen.go(`#/flows/${waiting.flows[1].flow_id}`);
  await seen.press('button', 'Cancel…');
  await seen.page.getByRole('heading', { name: 'Cancel 1 pending flow?' }).waitFor();
  await seen.answer('Cancel 1');
  await seen.page.waitForFunction(() => document.title.includes('cancelled flow'));
  const { counts } = await program.ask(`api/v2/batches/${waiting.batch_id}`);
  assert.deepEqual([counts.cancelled, counts.pending], [1, 1]);
  await program.ask('api/v2/operations/resize/resume', {});
  await seen.close();
});

test('rows are chosen by a key, and what is chosen is retried and cancelled', async () => {
  await program.ask('api/v2/operations/resize/pause', {});
  const failed = await program.batch([...many('good/', 1), ...many('ill/', 3)], 'convert');
  const waiting = await program.batch(many('good/', 4), 'resize', (batch) => batch.flows.every((flow) => flow.waiting));
  const seen = await open(browser, base());
  await seen.go(`#/batches/${failed.batch_id}`);
  await seen.page.locator('[data-row]').nth(3).waitFor();
  const { keyboard } = seen.page;
  for (const key of ['j', 'x', 'j', 'x', 'j', 'j', 'x', 'x', 'k', 'x']) await keyboard.press(key);
  const chosen = seen.page.getByRole('region', { name: 'Chosen flows' });
  await chosen.getByText('3 chosen').waitFor();
  await seen.accessible('chosen');
  await seen.shot('chosen');
  // The first of the three is done: there is nothing to retry of it.
  await keyboard.press('r');
  await seen.page.getByRole('heading', { name: 'Retry 2 flows?' }).waitFor();
  await seen.answer('Retry 2');
  await seen.page.getByText('2 flows begun again').waitFor();
  await seen.go(`#/batches/${waiting.batch_id}`);
  for (const n of [1, 3]) await seen.page.getByRole('checkbox', { name: `Choose flow ${n}` }).check();
  await seen.press('button', 'Cancel those that are pending…');
  await seen.page.getByRole('heading', { name: 'Cancel 2 pending flows?' }).waitFor();
  await seen.answer('Cancel 2');
  await seen.page.getByText('2 flows cancelled.').waitFor();
  await chosen.waitFor({ state: 'detached' });
  const { flows } = await program.ask(`api/v2/batches/${waiting.batch_id}`);
  assert.deepEqual(flows.map((flow) => flow.state), ['CANCELLED', 'PENDING', 'CANCELLED', 'PENDING']);
  await program.ask('api/v2/operations/resize/resume', {});
  await seen.close();
});
