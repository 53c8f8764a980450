import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { chromium, type Browser } from 'playwright-core';

import type { DeviceDiagnosis, DeviceReport } from '../src/index.js';

interface Comparison {
  readonly expected: number[][];
  readonly actual: number[][];
  readonly report: DeviceReport;
  readonly peak: number;
  readonly diagnoses: DeviceDiagnosis[];
  readonly runs: number;
  readonly fallbacks: Record<string, number>;
}

const CANDIDATES = [
  process.env.REVAT_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const executable = CANDIDATES.find((file) => file !== undefined && existsSync(file));
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-component-update'];
const START_TIMEOUT_MS = 180_000;
const MIME_TYPES: Record<string, string> = { '.html': 'text/html', '.wasm': 'application/wasm' };
const WEB_RUNTIME = path.dirname(require.resolve('onnxruntime-web'));

const inChromium = executable ? describe : describe.skip;

inChromium('in headless Chromium (set REVAT_CHROMIUM where it is not found)', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'revat-browser-'));
  let server: Server;
  let browser: Browser;
  let comparison: Comparison;

  beforeAll(async () => {
    await build({
      entryPoints: [path.join(__dirname, 'browser/convnext-page.ts')],
      outdir: folder,
      // ONNX Runtime's threads load the chunk that it is in.
      splitting: true,
      bundle: true,
      format: 'esm',
      platform: 'browser',
      logLevel: 'error',
    });
    server = await serve(folder);
    browser = await chromium.launch({ executablePath: executable, args: ARGUMENTS });
    const page = await browser.newPage();
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/index.html`);
    await page.waitForFunction('globalThis.compareBackends');
    comparison = await page.evaluate<Comparison>('globalThis.compareBackends()');
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await browser?.close();
    server?.close();
    rmSync(folder, { recursive: true });
  });

  test('logits and input gradient of a ConvNeXt equal those of the cpu backend', () => {
    const { expected, actual, runs, fallbacks } = comparison;
    expect(runs).toBeGreaterThanOrEqual(1);
    expect(fallbacks).toEqual({});
    for (const [i, values] of expected.entries()) {
      const scale = Math.max(...values.map(Math.abs));
      expect(scale).toBeGreaterThan(1e-3);
      expect(actual[i]).toHaveLength(values.length);
      const differences = values.map((value, j) => Math.abs(value - actual[i][j]));
      expect(Math.max(...differences) / scale).toBeLessThan(1e-5);
    }
  });

  test('the device report names onnxruntime-web; blocked operators were probed and are absent', () => {
    const { report, peak } = comparison;
    expect(report).toMatchObject({ backend: 'onnx', provider: 'wasm', runtime: { name: 'onnxruntime-web' } });
    expect(report.channelBlock).toBe(0);
    expect(report.machine.host).toBe('browser');
    expect(peak).toBeGreaterThan(0.1);
  });

  test('the diagnosis says which backends this browser has', () => {
    const usable = comparison.diagnoses.filter((diagnosis) => diagnosis.usable);
    const names = usable.map(({ backend, provider }) => [backend, provider].filter(Boolean).join(' '));
    expect(names).toEqual(expect.arrayContaining(['onnx wasm', 'cpu']));
    expect(names).not.toContain('node');
  });
});

/** Serves the page and ONNX Runtime's files on a page that may use threads. */
async function serve(folder: string): Promise<Server> {
  const server = createServer((request, response) => {
    const name = path.basename(new URL(request.url ?? '/', 'http://localhost').pathname);
    const file = [folder, WEB_RUNTIME]
      .map((place) => path.join(place, name))
      .find((candidate) => existsSync(candidate));
    const content =
      name === 'index.html'
        ? '<script type="module" src="convnext-page.js"></script>'
        : file && readFileSync(file);
    response.writeHead(content === undefined ? 404 : 200, {
      'content-type': MIME_TYPES[path.extname(name)] ?? 'text/javascript',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    });
    response.end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  return server;
}
