// Each button, on the real program.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
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

test('who comes to an empty service is told what to do first, and does it', async () => {
  const seen = await open(browser, base());
  await seen.go();
  await seen.heading('Overview');
  await seen.page.getByRole('heading', { name: 'No batch yet' }).waitFor();
  await seen.accessible('empty');
  await seen.shot('empty');
  await seen.press('link', 'Run it on the sample');
  await seen.heading('Run');
  await seen.press('button', 'Run thumbnail on 1 asset');
  await seen.page.waitForFunction(() => document.title.includes('thumbnail completed'));
  await seen.press('button', 'Sheet');
  await seen.page.locator('.tile img').waitFor();
  await seen.close();
});

test('the failures of a batch are retried in three clicks', async () => {
  await program.batch([...many('good/', 50), ...many('ill/', 12)], 'thumbnail');
  program.origin.heal();
  const seen = await open(browser, base());
  await seen.go();
  await seen.press('link', /^thumbnail/);
  await seen.press('button', 'Retry 12 failed…');
  await seen.page.getByRole('heading', { name: 'Retry 12 flows?' }).waitFor();
  await seen.accessible('retry');
  await seen.answer('Retry 12');
  await seen.page.getByText('12 flows begun again').waitFor();
  await seen.page.waitForFunction(() => document.title.includes('thumbnail completed'));
  assert.equal(seen.clicks(), 3);
  await seen.page.getByText('12 of 12 settled').waitFor();
  const [latest] = (await program.ask('api/v2/batches')).batches;
  assert.equal(latest.counts.completed, 12);
  assert.ok(latest.retry_of);
  await seen.close();
});

test('one group of failures is retried, and no other', async () => {
  const mixed = await program.batch([...many('good/', 3), 'ftp://example.com/a', 'ftp://example.com/b'], 'convert', undefined, { name: 'Autumn', labels: { season: 'autumn' } });
  assert.equal(mixed.counts.failed, 2);
  const again = await program.batch(['ftp://example.com/c', `http://10.0.0.1/private.jpg`], 'convert', undefined, { name: 'Autumn too' });
  const seen = await open(browser, base());
  await seen.go('#/batches?labels=season:autumn');
  await seen.page.getByRole('link', { name: 'Autumn', exact: true }).waitFor();
  assert.equal(await seen.page.locator('[data-row]').count(), 1);
  await seen.go('#/batches');
  await seen.page.getByLabel('Text in the name').fill('autumn t');
  await seen.page.keyboard.press('Enter');
  await seen.page.waitForURL(/name=autumn\+t/);
  await seen.press('link', 'Autumn too');
  await seen.page.locator('.groups li').nth(1).waitFor();
  await seen.press('button', /^Retry those with source_refused/);
  await seen.page.getByRole('heading', { name: 'Retry 1 flow?' }).waitFor();
  await seen.accessible('groups');
  await seen.shot('groups');
  await seen.answer('Leave it');
  await seen.press('button', 'Show these');
  await seen.page.locator('[data-row]').nth(1).waitFor({ state: 'detached' });
  await seen.page.waitForURL(/group=/);
  await seen.press('button', 'Show all');
  await seen.page.getByLabel('Text in the URL').fill('private');
  await seen.page.keyboard.press('Enter');
  await seen.page.getByRole('link', { name: '10.0.0.1/private.jpg' }).waitFor();
  await seen.page.locator('[data-row]').nth(1).waitFor({ state: 'detached' });
  await seen.press('button', 'Retry these…');
  await seen.answer('Retry 1');
  await seen.page.getByText('1 flow begun again').waitFor();
  const { batches: [latest] } = await program.ask('api/v2/batches');
  assert.equal(latest.retry_of, again.batch_id);
  assert.equal(latest.digital_asset_count, 1);
  await seen.close();
});

test('who types while an answer is awaited loses neither a letter nor the place', async () => {
  const mixed = await program.batch([...many('good/', 2), 'ftp://example.com/d'], 'convert');
  const seen = await open(browser, base());
  await seen.go(`#/batches/${mixed.batch_id}`);
  await seen.page.locator('[data-row]').nth(2).waitFor();
  const input = seen.page.getByLabel('Text in the URL');
  let release;
  const held = new Promise((go) => { release = go; });
  await seen.page.route(/state=FAILED/, async (route) => { await held; await route.continue(); });
  await seen.press('button', /failed 1/);
  await input.fill('good');
  await seen.page.waitForURL(/state=FAILED&url=good/);
  release();
  await seen.page.getByRole('heading', { name: 'No flow is so' }).waitFor();
  assert.equal(await input.inputValue(), 'good');
  assert.ok(await input.evaluate((one) => one === document.activeElement));
  // What is typed before the filter that was typed first comes back as the address.
  await input.evaluate((/** @type {HTMLInputElement} */ one) => {
    for (const [text, kind] of [['exam', 'input'], ['exam', 'change'], ['example', 'input']]) {
      one.value = text;
      one.dispatchEvent(new Event(kind, { bubbles: true }));
    }
  });
  await seen.page.waitForURL(/url=example/);
  await seen.page.getByRole('link', { name: 'ftp://example.com/d' }).waitFor();
  await seen.close();
});

test('an operation is paused, its batch cancelled, and the operation resumed', async () => {
  const seen = await open(browser, base());
  await seen.go('#/operations');
  await seen.page.getByText('1 more, which lack a key or a setting').click();
  await seen.page.getByText('ASSETMILL_NOBODY_SET_THIS').waitFor();
  await seen.press('button', 'Pause resize');
  await seen.answer('Pause');
  await seen.page.getByText('resize is paused.').waitFor();
  const waiting = await program.batch(many('good/', 200), 'resize', (batch) => batch.counts.pending === 200 && batch.flows.every((flow) => flow.waiting));
  await seen.go(`#/batches/${waiting.batch_id}`);
  await seen.page.getByText('an operator, who paused the operation').first().waitFor();
  await seen.press('button', 'Cancel 200 pending…');
  await seen.page.getByRole('heading', { name: 'Cancel 200 pending flows?' }).waitFor();
  await seen.answer('Leave it');
  await seen.press('button', 'Cancel 200 pending…');
  await seen.answer('Cancel 200');
  await seen.page.getByText('200 flows cancelled.').waitFor();
  await seen.page.waitForFunction(() => document.title.includes('resize cancelled'));
  await seen.go('#/operations');
  await seen.press('button', 'Resume resize');
  await seen.answer('Resume');
  await seen.page.getByRole('button', { name: 'Pause resize' }).waitFor();
  await seen.close();
});

test('what the API refuses stands where it is meant, and what is right is run', async () => {
  const seen = await open(browser, base(), { denied: true });
  await seen.go('#/run?operation=thumbnail');
  await seen.page.getByLabel('width').fill('99999');
  await seen.page.locator('input[type=file]').setInputFiles({
    name: 'assets.csv', mimeType: 'text/csv', buffer: Buffer.from(`sku,url\r\n1,"${program.origin.url}a.jpg"\r\n2,${program.origin.url}b.jpg\r\n`),
  });
  await seen.page.getByText('2 assets', { exact: true }).waitFor();
  await seen.press('button', 'Run thumbnail on 2 assets');
  await seen.page.locator('.field', { hasText: 'width' }).getByText(/must be a whole number from 1 to 8192/).waitFor();
  await seen.page.getByLabel('width').fill('64');
  await seen.page.getByText('The same as curl').click();
  assert.match(String(await seen.page.locator('pre').first().textContent()), /"params":\{"width":64\}/);
  await seen.page.getByText('The same as a command line').click();
  const line = String(await seen.page.locator('pre').last().textContent());
  const said = await program.shell(`${line} -o made`);
  assert.match(said, /2 written to made/);
  await seen.accessible('run');
  await seen.press('button', 'Run thumbnail on 2 assets');
  await seen.page.waitForFunction(() => document.title.includes('thumbnail completed'));
  await seen.page.getByText('2 of 2 settled').waitFor();
  await seen.close();
});

test('where the catalogue can not be had at first, the form comes once it can', async () => {
  const seen = await open(browser, base(), { denied: true });
  let refused = true;
  await seen.page.route(/api\/v2\/operations/, (route) => (refused ? route.fulfill({ status: 403, json: { code: 'not_now', detail: 'Not now.' } }) : route.continue()));
  await seen.go('#/run');
  await seen.page.getByText('Not now.').waitFor();
  refused = false;
  await seen.page.getByLabel('URLs').waitFor();
  await seen.close();
});

test('files that nobody hosts are sent, and run', async () => {
  const seen = await open(browser, base(), { denied: true });
  await seen.go('#/run?operation=thumbnail');
  const photo = readFileSync(new URL('../../samples/coffee.jpg', import.meta.url));
  await seen.page.locator('input[type=file]').setInputFiles([
    { name: 'cup.jpg', mimeType: 'image/jpeg', buffer: photo },
    { name: 'empty.jpg', mimeType: 'image/jpeg', buffer: Buffer.alloc(0) },
    { name: 'more.txt', mimeType: 'text/plain', buffer: Buffer.from(`${program.origin.url}a.jpg`) },
  ]);
  await seen.page.getByText('2 assets', { exact: true }).waitFor();
  await seen.page.locator('.wrong').getByText('✕ empty.jpg').waitFor();
  assert.match(await seen.page.getByLabel('URLs').inputValue(), /^asset:[0-9a-f]{64}\.jpg\nhttp:.*a\.jpg$/);
  await seen.accessible('files');
  await seen.press('button', 'Run thumbnail on 2 assets');
  await seen.page.waitForFunction(() => document.title.includes('thumbnail completed'));
  await seen.press('link', /asset:/);
  await seen.page.getByAltText('The result').waitFor();
  assert.match(String(await seen.page.getByRole('link', { name: 'Run it again…' }).getAttribute('href')), /urls=asset/);
  await seen.accessible('a flow of a file');
  await seen.close();
});

test('filters are in the URL, and results are downloaded as they say', async () => {
  const mixed = await program.batch([...many('good/', 3), 'ftp://example.com/=1+1,"x"'], 'convert');
  const seen = await open(browser, base());
  await seen.go(`#/batches/${mixed.batch_id}`);
  await seen.page.locator('[data-row]').nth(3).waitFor();
  const take = async (name) => {
    const [file] = await Promise.all([seen.page.waitForEvent('download'), seen.press('button', name)]);
    return readFileSync(await file.path(), 'utf8');
  };
  const lines = (await take('NDJSON')).trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(lines.map((flow) => flow.state), ['COMPLETED', 'COMPLETED', 'COMPLETED', 'FAILED']);
  await seen.press('button', /failed 1/);
  await seen.page.waitForURL(/state=FAILED/);
  await seen.page.locator('[data-row]').nth(1).waitFor({ state: 'detached' });
  const csv = (await take('Download CSV')).trim().split('\r\n');
  assert.equal(csv.length, 2);
  assert.match(csv[1], /^3,.*,FAILED,"ftp:.*",.*unsupported_scheme,/);
  await seen.page.reload();
  await seen.page.locator('[data-row]').first().waitFor();
  assert.equal(await seen.page.locator('[data-row]').count(), 1);
  await seen.page.goBack();
  await seen.page.locator('[data-row]').nth(3).waitFor();
  await seen.close();
});

test('the keyboard alone is enough', async () => {
  const seen = await open(browser, base());
  await seen.go('#/batches');
  await seen.page.locator('[data-row]').first().waitFor();
  const { keyboard } = seen.page;
  await keyboard.press('?');
  await seen.page.getByRole('heading', { name: 'Keys' }).waitFor();
  await seen.accessible('keys');
  await keyboard.press('Escape');
  await seen.page.getByRole('heading', { name: 'Keys' }).waitFor({ state: 'detached' });
  for (const key of ['j', 'j', 'k', 'Enter']) await keyboard.press(key);
  await seen.page.locator('.progress').waitFor();
  await keyboard.press('j');
  await keyboard.press('Enter');
  await seen.heading(/^Flow/);
  await keyboard.press('g');
  await seen.heading('Overview');
  await seen.go('#/run');
  await seen.page.getByLabel('URLs').waitFor();
  await seen.page.locator('body').press('/');
  assert.equal(await seen.page.evaluate(() => document.activeElement?.id), 'urls');
  await seen.close();
});
