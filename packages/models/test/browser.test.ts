import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { chromium, type Browser } from 'playwright-core';
import type { PageResult } from './browser/weights-page.js';
import { fixture } from './fixture-files.js';

const CANDIDATES = [
  process.env.REVAT_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const executable = CANDIDATES.find((file) => file !== undefined && existsSync(file));
const inChromium = executable ? describe : describe.skip;

inChromium('weights in headless Chromium (set REVAT_CHROMIUM where it is not found)', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'revat-browser-'));
  let server: Server;
  let browser: Browser;
  let result: PageResult;

  beforeAll(async () => {
    const outfile = path.join(folder, 'page.js');
    // As a user's bundler would, without the packages that only Node needs.
    await build({
      entryPoints: [path.join(__dirname, 'browser/weights-page.ts')],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'browser',
      logLevel: 'error',
    });
    const bundle = readFileSync(outfile);
    server = createServer((request, response) =>
      answer(request.url ?? '/', bundle, (status, type, body) => {
        response.writeHead(status, { 'content-type': type });
        response.end(body);
      }),
    );
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    browser = await chromium.launch({
      executablePath: executable,
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic'],
    });
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction('globalThis.run');
    result = await page.evaluate<PageResult>('globalThis.run()');
  }, 180_000);

  afterAll(async () => {
    await browser?.close();
    server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('every source gives the same logits', () => {
    const [first, ...others] = Object.values(result.logits);
    expect(first.every(Number.isFinite)).toBe(true);
    expect(Object.keys(result.logits)).toHaveLength(6);
    for (const logits of others) expect(logits).toEqual(first);
  });

  test('bad files are refused as in Node', () => {
    expect(result.errors['files/crc_mismatch.pt']).toMatch(/does not fit/);
    expect(result.errors['files/absent.pt']).toMatch(/no such file \(404\)/);
    expect(result.errors['files/evil_os_system.pt']).toMatch(/os\.system/);
  });
});

type Send = (status: number, type: string, body: string | Uint8Array) => void;

function answer(url: string, bundle: Uint8Array, send: Send): void {
  if (url === '/')
    return send(200, 'text/html', '<!doctype html><script type="module" src="page.js"></script>');
  if (url === '/page.js') return send(200, 'text/javascript', bundle);
  const name = path.basename(url);
  const file = ['checkpoints', 'hostile']
    .map((place) => fixture(place, name))
    .find((candidate) => existsSync(candidate));
  if (file === undefined) return send(404, 'text/plain', '');
  send(200, 'application/octet-stream', readFileSync(file));
}
