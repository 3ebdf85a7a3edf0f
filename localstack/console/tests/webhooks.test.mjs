// Endpoints: made, told, told again, given a new secret, removed; and what each answered.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open } from '../support/browser.mjs';
import { start, startShop } from '../support/program.mjs';

/** @type {Awaited<ReturnType<typeof start>>} */
let program;
/** @type {import('playwright-core').Browser} */
let browser;

before(async () => { [program, browser] = await Promise.all([start(), launch()]); });
after(async () => { await browser.close(); await program.close(); });

/** Makes an endpoint of the origin's. */
const made = (path, events = ['batch.completed'], at = program) => at.ask('api/v2/webhooks', { url: `${at.origin.url}${path}`, events });

/** The log of an endpoint, once it is as it should be. */
async function log(id, until, at = program) {
  for (;;) {
    const { deliveries } = await at.ask(`api/v2/webhooks/${id}/deliveries`);
    if (until(deliveries)) return deliveries;
    await new Promise((later) => { setTimeout(later, 50); });
  }
}

test('an endpoint is made, its secret shown once, changed, and the endpoint removed', async () => {
  const seen = await open(browser, program.page, { denied: true });
  await seen.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  const copied = () => seen.page.evaluate(() => navigator.clipboard.readText());
  await seen.go('#/webhooks');
  await seen.page.getByRole('heading', { name: 'No endpoint yet' }).waitFor();
  await seen.accessible('no endpoint');
  await seen.shot('webhooks-none');
  await seen.press('button', 'Make an endpoint…');
  await seen.page.locator('input[inputmode="url"]:focus').waitFor();
  await seen.page.keyboard.type('ftp://example.com/');
  await seen.page.keyboard.press('Enter');
  await seen.page.locator('dialog').getByText('invalid_url').waitFor();
  await seen.accessible('refused endpoint');
  await seen.shot('webhooks-make');
  const url = `${program.origin.url}hook`;
  await seen.page.getByLabel('Where to post to').fill(url);
  // Each event that the API knows of can be chosen.
  const document = await program.ask('openapi.json');
  for (const event of document.components.schemas.RegisterWebhook.properties.events.items.enum) await seen.page.getByRole('checkbox', { name: event }).waitFor();
  await seen.page.getByLabel('operation.paused').check();
  await seen.answer('Make it');
  await seen.page.getByRole('heading', { name: 'Its secret' }).waitFor();
  const first = String(await seen.page.locator('.secret').textContent());
  assert.match(first, /^whsec_/);
  await seen.accessible('secret');
  await seen.shot('webhooks-secret');
  await seen.answer('Copy the secret');
  await seen.page.getByRole('button', { name: 'copied' }).waitFor();
  assert.equal(await copied(), first);
  await seen.answer('I have it');
  await seen.page.getByRole('link', { name: url }).waitFor();
  await seen.page.locator('.secret').waitFor({ state: 'detached' });
  assert.ok(!(await seen.page.content()).includes(first), 'the secret is still there');
  const { webhooks: [endpoint] } = await program.ask('api/v2/webhooks');
  assert.deepEqual(endpoint.events.toSorted(), ['batch.completed', 'operation.paused']);

  await seen.press('button', `Make a new secret for ${url}`);
  await seen.answer('Leave it');
  await seen.press('button', `Make a new secret for ${url}`);
  await seen.answer('Make it');
  await seen.page.getByRole('heading', { name: 'Its secret' }).waitFor();
  assert.notEqual(await seen.page.locator('.secret').textContent(), first);
  await seen.page.keyboard.press('Escape');
  await seen.page.getByText('an old secret signs too').waitFor();
  await seen.shot('webhooks-rotated');

  await seen.press('link', url);
  await seen.page.getByRole('heading', { name: 'It was told nothing yet' }).waitFor();
  await seen.accessible('told nothing');
  await seen.press('button', 'Remove…');
  await seen.answer('Leave it');
  assert.equal((await program.ask('api/v2/webhooks')).webhooks.length, 1);
  await seen.press('button', 'Remove…');
  await seen.answer('Remove');
  await seen.page.getByText('The endpoint is removed.').waitFor();
  await seen.page.getByRole('heading', { name: 'No endpoint yet' }).waitFor();
  assert.deepEqual((await program.ask('api/v2/webhooks')).webhooks, []);
  await seen.close();
});

test('what an endpoint was told is seen with each answer, and told again: one, and all of a time', { timeout: 120_000 }, async () => {
  const [hook, moved, gone] = [await made('hook'), await made('moved'), await made('gone')];
  await program.batch([`${program.origin.url}good/1.jpg`], 'thumbnail', undefined, { name: 'Breakfast' });
  await program.batch([`${program.origin.url}good/2.jpg`], 'thumbnail', undefined, { name: 'Supper' });
  for (const { webhook_id: id } of [hook, moved]) await log(id, (all) => all.length === 2 && all.every((one) => one.attempts.length > 0));
  await log(gone.webhook_id, (all) => all.length > 0 && all.every((one) => one.state === 'GIVEN_UP'));

  const shown = await open(browser, program.page);
  await shown.go('#/webhooks');
  await shown.page.getByText('It answered 410').waitFor();
  await shown.page.waitForFunction(() => document.title.startsWith('1 disabled'));
  await shown.go(`#/webhooks/${moved.webhook_id}`);
  await shown.page.getByText('301: redirects are not followed; it leads to https://example.com/new').first().waitFor();
  await shown.close();

  const views = [['webhooks', '#/webhooks'], ['webhook', `#/webhooks/${hook.webhook_id}`], ['webhook-gone', `#/webhooks/${gone.webhook_id}`]];
  for (const [mode, how] of [['light', {}], ['dark', { dark: true }], ['narrow', { narrow: true }]]) {
    const seen = await open(browser, program.page, how);
    for (const [name, hash] of views) {
      await seen.go(hash);
      await seen.page.locator('[data-row]').first().waitFor();
      await seen.accessible(`${name}, ${mode}`);
      if (name === 'webhook') {
        await seen.page.keyboard.press('j');
        await seen.page.keyboard.press('Enter');
        await seen.page.locator('details[open] pre').getByText('batch.completed').waitFor();
        await seen.page.locator('details[open]').getByText('out of order <img').first().waitFor();
        await seen.accessible(`${name}, opened, ${mode}`);
      }
      if (name === 'webhook-gone') assert.equal(await seen.page.getByRole('button', { name: 'Replay' }).count(), 0);
      await seen.shot(`${mode}-${name}`);
    }
    await seen.close();
  }

  const seen = await open(browser, program.page);
  await seen.go(`#/webhooks/${hook.webhook_id}`);
  const rows = seen.page.locator('.deliveries > li');
  await rows.nth(1).waitFor();
  await seen.press('button', 'delivered');
  await seen.page.getByRole('heading', { name: 'Nothing more is so' }).waitFor();
  assert.match(seen.page.url(), /state=DELIVERED/);
  program.origin.hear();
  await seen.press('button', 'All');
  const supper = rows.filter({ hasText: 'Supper' });
  await supper.getByRole('button', { name: /^Replay batch\.completed of Supper/ }).click();
  await seen.page.getByText('It is to be told again.').waitFor();
  await supper.locator('summary').getByText('delivered').waitFor();
  await supper.locator('summary').click();
  await supper.getByText('thank you').waitFor();
  await seen.press('link', 'its batch');
  await seen.heading(/^Supper/);
  await seen.page.goBack();
  await rows.nth(1).waitFor();
  await seen.close();

  const again = await open(browser, program.page, { denied: true });
  await again.go(`#/webhooks/${hook.webhook_id}?state=DELIVERED`);
  await again.page.locator('[data-row]').first().waitFor();
  await again.page.keyboard.press('r');
  // What of the two is delivered by now is not for this test to know.
  await again.page.getByRole('heading', { name: /^Tell it [12] deliver(y|ies) again\?$/ }).waitFor();
  await again.accessible('replay of a time');
  await again.shot('webhook-replay');
  await again.page.getByLabel('What stands as').selectOption('');
  await again.page.getByRole('heading', { name: 'Tell it 2 deliveries again?' }).waitFor();
  await again.page.getByLabel('Until').fill('2020-01-01T00:00');
  await again.page.getByRole('heading', { name: 'Nothing is so' }).waitFor();
  await again.page.getByLabel('Since').fill('');
  await again.page.getByLabel('Until').fill('');
  await again.page.locator('dialog').getByText('nothing_selected').waitFor();
  await again.page.getByLabel('Since').fill('2020-01-01T00:00');
  const told = (all) => all.map((one) => one.attempts.length);
  const before = told(await log(hook.webhook_id, () => true));
  await again.answer('Replay 2 deliveries');
  await again.page.getByText('2 deliveries to be told again.').waitFor();
  await log(hook.webhook_id, (all) => all.every((one, at) => one.state === 'DELIVERED' && one.attempts.length > before[at]));
  await again.close();
});

test('the endpoint of one batch is found by the batch, its log gone through, and the endpoint disabled', async () => {
  program.origin.hear();
  const { batch_id: id } = await program.batch(Array.from({ length: 30 }, (_, n) => `${program.origin.url}good/${n}.jpg`), 'thumbnail', undefined, { webhook: { url: `${program.origin.url}hook`, events: ['flow.settled'] } });
  await log(id, (all) => all.length === 20 && all.every((one) => one.state === 'DELIVERED'));
  const seen = await open(browser, program.page);
  await seen.go('#/webhooks');
  await seen.page.getByLabel('The endpoint of one batch').fill(id);
  await seen.press('button', 'Its log');
  await seen.heading(/^Endpoint of batch/);
  const rows = seen.page.locator('.deliveries > li');
  await rows.nth(24).waitFor();
  await seen.press('link', 'Older');
  await rows.nth(5).waitFor({ state: 'detached' });
  await rows.nth(4).waitFor();
  await seen.press('link', 'The latest');
  await rows.nth(24).waitFor();
  await seen.press('button', 'given up');
  await seen.page.getByRole('heading', { name: 'Nothing more is so' }).waitFor();
  await seen.press('button', 'All');
  await rows.first().locator('summary').click();
  await rows.first().getByRole('link', { name: 'its flow' }).click();
  await seen.heading(/^Flow/);
  await seen.page.goBack();
  await rows.nth(24).waitFor();
  // Where they are very many, the API counts them in parts.
  await seen.page.route(/\/replay\?/, (route) => {
    const further = new URL(route.request().url()).searchParams.has('cursor');
    return route.fulfill({ json: further ? { replayed: 30, dry_run: true } : { replayed: 1_000, dry_run: true, next_cursor: 'c' } });
  });
  await seen.press('button', 'Replay…');
  await seen.page.getByRole('heading', { name: 'Tell it 1,030 deliveries again?' }).waitFor();
  await seen.answer('Leave it');
  await seen.press('button', 'Disable…');
  await seen.answer('Disable');
  await seen.page.getByText('It is told nothing any more.').waitFor();
  await rows.nth(24).waitFor();
  await seen.close();
});

test('who may only read sees it all, and changes nothing', async () => {
  const shop = await startShop();
  const { webhook_id: id } = await made('moved', ['batch.completed'], shop);
  await shop.batch([`${shop.origin.url}good/1.jpg`], 'thumbnail');
  await log(id, ([one]) => one?.attempts.length > 0, shop);
  const seen = await open(browser, shop.page, { denied: true });
  await seen.go(`#/webhooks/${id}`);
  await seen.page.getByLabel('Key').fill('reader-reader-reader-reader');
  await seen.press('button', 'Use it');
  await seen.page.locator('summary').getByText('batch.completed').waitFor();
  await seen.press('button', 'Remove…');
  await seen.answer('Remove');
  await seen.page.locator('dialog').getByText('read_only_key').waitFor();
  await seen.answer('Leave it');
  await seen.page.getByText('Your key is for reading alone').waitFor();
  for (const name of ['Replay…', 'New secret…', 'Remove…', /^Replay batch\.completed/]) await seen.isOff(name);
  await seen.page.keyboard.press('r');
  await seen.accessible('endpoint, for reading alone');
  await seen.go('#/webhooks');
  for (const name of ['Make an endpoint…', /^Make a new secret for/, /^Remove http/]) await seen.isOff(name);
  assert.equal(await seen.page.locator('dialog').count(), 0);
  const { deliveries: [one] } = await shop.ask(`api/v2/webhooks/${id}/deliveries`);
  assert.equal(one.state, 'PENDING');
  await seen.close();
  await shop.close();
});
