/** A page for tests in headless Chromium: bundled as a user's bundler would, served with the files that it asks for. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';

import { describe } from '@jest/globals';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';

const CANDIDATES = [
  process.env.REVAT_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const executable = CANDIDATES.find((file) => file !== undefined && existsSync(file));
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-component-update'];
const MIME_TYPES: Record<string, string> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** Building and starting may take that long on a slow machine. */
export const START_TIMEOUT_MS = 180_000;

/** `describe` where there is a Chromium; set REVAT_CHROMIUM where it is not found. */
export const describeInChromium = executable ? describe : describe.skip;

export interface PageOptions {
  /** Where files lie that are asked for by their base names, besides the bundle. */
  readonly folders?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Split the bundle, for workers that load a part of it. */
  readonly splitting?: boolean;
}

export interface ChromiumPage {
  /** What the page's asynchronous function of that global name gives, once the module has set it. */
  call<T>(name: string): Promise<T>;
  close(): Promise<void>;
}

/** Opens a page that runs the module `entry`. */
export async function openChromiumPage(
  entry: string,
  { folders = [], headers = {}, splitting = false }: PageOptions = {},
): Promise<ChromiumPage> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'revat-browser-'));
  const script = `${path.basename(entry, '.ts')}.js`;
  await build({
    entryPoints: [entry],
    outdir: folder,
    splitting,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    logLevel: 'error',
  });
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const name = path.basename(pathname);
    const file = [folder, ...folders]
      .map((place) => path.join(place, name))
      .find((candidate) => existsSync(candidate));
    const html = `<!doctype html><script type="module" src="${script}"></script>`;
    const content = pathname === '/' ? html : file && readFileSync(file);
    const type =
      pathname === '/' ? 'text/html' : (MIME_TYPES[path.extname(name)] ?? 'application/octet-stream');
    response.writeHead(content === undefined ? 404 : 200, { 'content-type': type, ...headers });
    response.end(content);
  });
  await new Promise<void>((done) => server.listen(0, done));
  const browser = await chromium.launch({ executablePath: executable, args: ARGUMENTS });
  const page = await browser.newPage();
  await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
  return {
    async call<T>(name: string): Promise<T> {
      await page.waitForFunction(`globalThis.${name}`);
      return page.evaluate<T>(`globalThis.${name}()`);
    },
    async close() {
      await browser.close();
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
