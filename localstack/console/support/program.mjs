// The real program, on a port and in a folder of its own.
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { catalogue, serve } from './vendor.mjs';

const BINARY = new URL('../../../target/debug/assetmill', import.meta.url).pathname;

/** Starts it, and an origin that it may fetch from. @param {string[]} [more] arguments */
export async function start(more = []) {
  const origin = await serve();
  const folder = mkdtempSync(join(tmpdir(), 'assetmill-console-'));
  const operations = join(folder, 'operations.toml');
  writeFileSync(operations, catalogue(origin.url));
  const child = spawn(BINARY, [
    '--listen', '127.0.0.1:0', '--data', join(folder, 'data'), '--log', 'warn', '--operations', operations,
    '--fetch-allow', origin.host, '--vendor-allow', origin.host, '--origin-rate', '10000', ...more,
  ], { env: { PATH: process.env.PATH }, stdio: ['ignore', 'pipe', 'inherit'] });
  const [, url, page] = await new Promise((found, failed) => {
    let said = '';
    child.on('exit', () => failed(new Error(`the program ended: ${said}`)));
    child.stdout.on('data', (text) => {
      said += text;
      const at = /API\s+(http\S+)\s+Console\s+(http\S+)\s/.exec(said);
      if (at) found(at);
    });
  });
  return {
    url, page, origin,
    /** Whose requests these are, where callers need keys. */
    key: '',
    /** @param {string} path @param {any} [body] sent if it is given */
    async ask(path, body) {
      const headers = { 'content-type': 'application/json', ...(this.key && { authorization: `Bearer ${this.key}` }) };
      const sent = body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) };
      const answer = await fetch(new URL(path, url), sent);
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      return answer.json();
    },
    /** Begins a batch and waits until it is as it should be. */
    async batch(urls, operation, until = (batch) => batch.status !== 'RUNNING', more = {}) {
      const { batch_id: id } = await this.ask('api/v2/transforms', { digital_asset_urls: urls, operation, ...more });
      for (;;) {
        const batch = await this.ask(`api/v2/batches/${id}?limit=1000`);
        if (until(batch)) return batch;
        await new Promise((later) => { setTimeout(later, 50); });
      }
    },
    /** What a command of a shell says, in a folder of its own, where the program can be called. @param {string} command */
    async shell(command) {
      const env = { PATH: `${dirname(BINARY)}:${process.env.PATH}` };
      const { stderr } = await promisify(execFile)('sh', ['-c', command], { cwd: folder, env });
      return stderr;
    },
    async close() {
      const ended = new Promise((done) => { child.on('exit', done); });
      child.kill('SIGKILL');
      await ended;
      origin.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Starts one that asks for keys: `reader-reader-reader-reader` is for reading alone, and it is asked with a writer's. */
export async function startShop() {
  const folder = mkdtempSync(join(tmpdir(), 'assetmill-callers-'));
  const callers = join(folder, 'callers.toml');
  const line = (name, more) => `[[tenants.shop.keys]]\nname = "${name}"\nsha256 = "${createHash('sha256').update(`${name}-${name}-${name}-${name}`).digest('hex')}"\n${more}`;
  writeFileSync(callers, line('writer', '') + line('reader', 'read_only = true\n'));
  const shop = await start(['--callers', callers]);
  shop.key = 'writer-writer-writer-writer';
  const { close } = shop;
  shop.close = async () => {
    await close();
    rmSync(folder, { recursive: true });
  };
  return shop;
}
