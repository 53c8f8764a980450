import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import '@tensorflow/tfjs-backend-cpu';
import { createModel, loadWeights, readCheckpoint, type Model } from '@revat/models';
import { COMMIT, FakeHub, REPOSITORY } from './fake-hub.js';
import { fixture } from './fixture-files.js';

const FILE = new Uint8Array(readFileSync(fixture('checkpoints', 'h_raw.safetensors')));
const SHA256 = createHash('sha256').update(FILE).digest('hex');
const NAME = `hf:${REPOSITORY}`;
const FOLDER = 'models--owner--tiny';

let hub: FakeHub;
let hubUrl: string;
let cacheDir: string;

beforeEach(async () => {
  hub = new FakeHub({
    files: { 'README.md': new Uint8Array(3), 'model.safetensors': FILE, 'deep/other.safetensors': FILE },
  });
  hubUrl = await hub.start();
  cacheDir = mkdtempSync(path.join(tmpdir(), 'revat-hub-'));
});
afterEach(async () => {
  await hub.stop();
  rmSync(cacheDir, { recursive: true });
});

function downloads(): string[] {
  return hub.requests.filter((request) => !request.includes('/api/'));
}

async function expectLoaded(
  source: string,
  options: Parameters<typeof readCheckpoint>[1] = {},
): Promise<void> {
  const { tensors } = await readCheckpoint(source, { cacheDir, hubUrl, ...options });
  expect(tensors.size).toBe(60);
}

describe('the hub', () => {
  test('downloads once, into the layout of the hub cache', async () => {
    await expectLoaded(NAME);
    const pointer = path.join(cacheDir, FOLDER, 'snapshots', COMMIT, 'model.safetensors');
    expect(readFileSync(path.join(cacheDir, FOLDER, 'refs', 'main'), 'utf8')).toBe(COMMIT);
    expect(readdirSync(path.join(cacheDir, FOLDER, 'blobs'))).toEqual([SHA256]);
    expect(lstatSync(pointer).isSymbolicLink()).toBe(true);
    await expectLoaded(NAME);
    expect(downloads()).toEqual([`GET /${REPOSITORY}/resolve/${COMMIT}/model.safetensors`]);
  });

  test('a file by its path, at a commit that is then found without asking', async () => {
    await expectLoaded(`${NAME}@${COMMIT}:deep/other.safetensors`);
    const before = hub.requests.length;
    await expectLoaded(`${NAME}@${COMMIT}:deep/other.safetensors`);
    expect(hub.requests.length).toBe(before);
  });

  test('continues a broken download, by itself and in the next call', async () => {
    hub.breakAfter = [1000, 20_000, 5];
    await expectLoaded(NAME);
    const starts = downloads().map((request) => Number(/bytes=(\d+)-$/.exec(request)?.[1] ?? 0));
    expect(starts).toHaveLength(4);
    // What was under way when the connection broke may be lost; what arrived is never asked for again.
    expect(starts[3]).toBeGreaterThan(0);
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
  });

  test('continues what an earlier process has left', async () => {
    const blobs = path.join(cacheDir, FOLDER, 'blobs');
    mkdirSync(blobs, { recursive: true });
    writeFileSync(path.join(blobs, `${SHA256}.incomplete`), FILE.subarray(0, 5000));
    await expectLoaded(NAME);
    expect(downloads()).toEqual([`GET /${REPOSITORY}/resolve/${COMMIT}/model.safetensors bytes=5000-`]);
  });

  test('starts anew where the server cannot continue', async () => {
    hub.ranges = false;
    hub.breakAfter = [1000];
    await expectLoaded(NAME);
  });

  test('refuses a file whose checksum is wrong, and does not keep it', async () => {
    hub.announced = 'a'.repeat(64);
    await expect(readCheckpoint(NAME, { cacheDir, hubUrl })).rejects.toMatchObject({
      code: 'invalid-file',
      message: `${NAME}: its SHA-256 is ${SHA256}, expected ${'a'.repeat(64)}. The download was damaged or changed; it was deleted. Try again.`,
    });
    expect(
      readdirSync(path.join(cacheDir, FOLDER, 'blobs')).filter((name) => !name.endsWith('.validator')),
    ).toEqual([]);
  });

  const testOnLinux = existsSync('/proc/self') ? test : test.skip;
  testOnLinux('a cache where nothing can be made is an error, and does not run forever', async () => {
    await expect(readCheckpoint(NAME, { cacheDir: '/proc/none/cache', hubUrl })).rejects.toMatchObject({
      code: 'io',
      message: expect.stringMatching(/^\/proc\/none: cannot write/) as unknown as string,
    });
  });

  test('a hash that is no hash never becomes a file name', async () => {
    hub.announced = '../../../evil';
    await expect(readCheckpoint(NAME, { cacheDir, hubUrl })).rejects.toThrow(/without proper hashes/);
  });

  test('offline: what is in the cache is used, the rest is an error that says so', async () => {
    await expectLoaded(NAME);
    await hub.stop();
    await expectLoaded(NAME);
    await expect(
      readCheckpoint(`${NAME}:deep/other.safetensors`, { cacheDir, hubUrl }),
    ).rejects.toMatchObject({
      code: 'io',
      message: expect.stringMatching(
        /cannot reach 127\.0\.0\.1:\d+ \(ECONNREFUSED\): is this machine offline\?.*give its path/,
      ),
    });
  });

  test('a web page instead of the file', async () => {
    hub.override = (response) => {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
      response.end('<!doctype html><title>Please log in</title>');
    };
    await expect(readCheckpoint(NAME, { cacheDir, hubUrl })).rejects.toThrow(
      /sent a web page instead of a file/,
    );
  });

  test.each([
    [401, /access denied \(401\).*HF_TOKEN/],
    [403, /access denied \(403\).*HF_TOKEN/],
    [404, /no such file \(404\)/],
  ])('status %i, asked once only', async (status, message) => {
    hub.override = (response) => {
      response.writeHead(status);
      response.end();
    };
    await expect(readCheckpoint(NAME, { cacheDir, hubUrl })).rejects.toThrow(message);
    expect(downloads()).toHaveLength(1);
  });

  test('a busy server is asked again', async () => {
    let answers = 0;
    hub.override = (response) => {
      if (++answers === 2) hub.override = undefined;
      response.writeHead(503);
      response.end();
    };
    await expectLoaded(NAME);
    expect(downloads()).toHaveLength(3);
  });

  test('names that the hub does not know', async () => {
    await expect(readCheckpoint('hf:owner/other', { cacheDir, hubUrl })).rejects.toThrow(
      /no such repository or revision/,
    );
    await expect(readCheckpoint(`${NAME}@v9`, { cacheDir, hubUrl })).rejects.toThrow(
      /no such repository or revision/,
    );
    await expect(readCheckpoint(`${NAME}:x.pt`, { cacheDir, hubUrl })).rejects.toThrow(
      /has no x\.pt\. It holds README\.md/,
    );
  });

  test.each(['hf:tiny', 'hf:owner/tiny:../x', 'hf:../tiny', 'hf:owner/tiny:/etc/passwd', 'hf:owner/tiny@..'])(
    '%s is no reference',
    async (source) => {
      await expect(readCheckpoint(source, { cacheDir, hubUrl })).rejects.toMatchObject({
        code: 'invalid-argument',
      });
      expect(hub.requests).toEqual([]);
    },
  );

  test('aborted: the part stays', async () => {
    const controller = new AbortController();
    hub.breakAfter = [1000];
    const progress: number[] = [];
    const onProgress = ({ loaded }: { loaded: number }): void => {
      progress.push(loaded);
      controller.abort();
    };
    await expect(
      readCheckpoint(NAME, { cacheDir, hubUrl, onProgress, signal: controller.signal }),
    ).rejects.toMatchObject({
      code: 'aborted',
    });
    await expectLoaded(NAME);
    expect(downloads().at(-1)).toContain(`bytes=${progress.at(-1)}-`);
  });
});

describe('preprocessing', () => {
  const HALF = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
  const config = Buffer.from(
    JSON.stringify({ architecture: 'x', pretrained_cfg: { ...HALF, crop_pct: 0.9 } }),
  );
  const newModel = (): Model =>
    createModel('convnext', {
      depths: [1, 1, 1, 1],
      dims: [8, 16, 24, 32],
      stem: 'conv',
      numClasses: 10,
      imageSize: 32,
    });

  test("timm's config.json on the hub, or in a folder, sets the normalisation", async () => {
    await hub.stop();
    hub = new FakeHub({ files: { 'model.safetensors': FILE, 'config.json': config } });
    const options = { cacheDir, hubUrl: await hub.start() };
    const model = newModel();
    expect((await loadWeights(model, NAME, options)).normalization).toEqual(HALF);
    expect(model.normalization).toEqual(HALF);
    const folder = path.join(cacheDir, FOLDER, 'snapshots', COMMIT);
    const second = newModel();
    await loadWeights(second, folder);
    expect(second.normalization).toEqual(HALF);
    const kept = newModel();
    expect((await loadWeights(kept, folder, { normalization: 'keep' })).normalization).toBeUndefined();
    expect(kept.normalization).toBe('none');
    for (const each of [model, second, kept]) each.dispose();
  });

  test.each(['{', '[]', '{"pretrained_cfg": {"mean": [0.5], "std": [0]}}', '{"mean": "x", "std": [1]}'])(
    'a config.json that names none: %s',
    async (content) => {
      writeFileSync(path.join(cacheDir, 'model.safetensors'), FILE);
      writeFileSync(path.join(cacheDir, 'config.json'), content);
      const model = newModel();
      expect((await loadWeights(model, cacheDir)).normalization).toBeUndefined();
      model.dispose();
    },
  );
});

describe('addresses', () => {
  test('are fetched once, and again when the checksum asks for it', async () => {
    const url = `${hubUrl}/files/model.safetensors`;
    await expectLoaded(url);
    await expectLoaded(url, { sha256: SHA256.toUpperCase() });
    expect(downloads()).toHaveLength(1);
    await expect(readCheckpoint(url, { cacheDir, sha256: 'b'.repeat(64) })).rejects.toThrow(/its SHA-256 is/);
  });

  test('a file that changed during a broken download is fetched whole', async () => {
    hub.breakAfter = [1000];
    hub.override = undefined;
    const url = `${hubUrl}/files/model.safetensors`;
    const original = hub.etag;
    const onProgress = (): void => {
      if (hub.etag === original) hub.etag = '"second"';
    };
    await expectLoaded(url, { onProgress });
    expect(downloads()).toHaveLength(2);
  });

  test('report progress', async () => {
    const seen: Array<[number, number | undefined]> = [];
    await expectLoaded(`${hubUrl}/files/model.safetensors`, {
      onProgress: ({ loaded, total }) => seen.push([loaded, total]),
    });
    expect(seen.at(-1)).toEqual([FILE.length, FILE.length]);
  });

  test("PyTorch's checksum in the file name is checked", async () => {
    const wrong = `${hubUrl}/files/resnet50-0676ba61.pth`;
    hub.override = (response) => {
      response.writeHead(200, { 'content-length': FILE.length });
      response.end(FILE);
    };
    await expect(readCheckpoint(wrong, { cacheDir })).rejects.toThrow(/expected 0676ba61/);
    await expectLoaded(`${hubUrl}/files/tiny-${SHA256.slice(0, 8)}.pth`);
  });

  test('file: addresses, and others that are refused', async () => {
    await expectLoaded(pathToFileURL(fixture('checkpoints', 'h_raw.safetensors')).href);
    await expect(readCheckpoint(new URL('ftp://localhost/x.pt'))).rejects.toMatchObject({
      code: 'invalid-argument',
    });
  });

  test('an error page that does not say that it is one does not enter the cache', async () => {
    hub.override = (response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      response.end('<html><body>404</body></html>');
    };
    const url = `${hubUrl}/files/model.safetensors`;
    await expect(readCheckpoint(url, { cacheDir })).rejects.toThrow(/sent a web page instead of a file/);
    hub.override = undefined;
    await expectLoaded(url);
  });

  test('a cache that cannot be written', async () => {
    const file = path.join(cacheDir, 'file');
    writeFileSync(file, '');
    await expect(
      readCheckpoint(`${hubUrl}/files/model.safetensors`, { cacheDir: file }),
    ).rejects.toMatchObject({
      code: 'io',
      message: expect.stringContaining('cannot write'),
    });
  });
});
