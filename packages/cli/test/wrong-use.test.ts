import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const MAIN = path.join(__dirname, '../dist/main.js');
let scratch = '';

function revat(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    cwd: scratch,
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

beforeAll(() => {
  scratch = mkdtempSync(path.join(os.tmpdir(), 'revat-cli-'));
  mkdirSync(path.join(scratch, 'photos'));
  writeFileSync(path.join(scratch, 'photos/cat.txt'), 'cat');
  mkdirSync(path.join(scratch, 'other'));
  writeFileSync(
    path.join(scratch, 'other/quickstart.json'),
    JSON.stringify({ hash: '0123456789abcdef', name: 'quickstart --full', settings: {} }),
  );
  writeFileSync(path.join(scratch, 'recipe.json'), '{"name": "smoke", "stages": []}');
  writeFileSync(
    path.join(scratch, 'no-data.json'),
    JSON.stringify({
      name: 'no-data',
      data: { name: 'image-folder', imageSize: 32, train: 'missing/train', validation: 'missing/val' },
      model: { name: 'convnext_micro', numClasses: 10 },
      stages: [{ name: 'clean', epochs: 1, learningRate: 0.001 }],
    }),
  );
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('wrong use: one clear line, exit code 2', () => {
  test.each([
    [['frobnicate'], /unknown command 'frobnicate'/],
    [['quickstart', '--bogus'], /unknown option '--bogus'/],
    [['quickstart', '--seed', '-1'], /--seed.*integer >= 0/],
    [['quickstart', '--backend', 'abacus', '--out', 'new'], /unknown backend "abacus"/],
    [
      ['quickstart', '--out', 'photos'],
      /photos has no quickstart\.json, so it is not the folder of such a run/,
    ],
    [['quickstart', '--out', 'other'], /holds a run of another recipe \("quickstart --full"/],
    [['quickstart', '--out', 'other', '--resume'], /holds a run of another recipe/],
    [['quickstart', '--out', 'photos/cat.txt/run'], /cannot write to .*cat\.txt/],
    [['quickstart', '--out', 'nothing', '--resume'], /no run to resume/],
    [['train', '--out', 'new'], /missing required argument 'recipe'/],
    [['train', 'recipe.json'], /required option '--out <folder>'/],
    [['train', 'recipe.json', '--out', 'new'], /recipe\.json: data: /],
    [['train', 'no-data.json', '--out', 'new'], /missing.train/],
    [['report', 'photos'], /photos.results\.json does not exist/],
    [['data', 'check', 'missing'], /missing: does not exist/],
  ])('revat %j', (args, message) => {
    const { status, stdout, stderr } = revat(...args);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^revat: [^\n]*\n$/);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });

  test('nothing was created or overwritten', () => {
    expect(existsSync(path.join(scratch, 'new'))).toBe(false);
    expect(readFileSync(path.join(scratch, 'photos/cat.txt'), 'utf8')).toBe('cat');
    expect(JSON.parse(readFileSync(path.join(scratch, 'other/quickstart.json'), 'utf8'))).toMatchObject({
      hash: '0123456789abcdef',
    });
  });
});

describe('help', () => {
  test.each([[['--help']], [['quickstart', '--help']], [['data', 'check', '--help']]])('revat %j', (args) => {
    const { status, stdout } = revat(...args);
    expect(stdout).toMatch(/^Usage: revat/);
    expect(status).toBe(0);
  });

  test('without a command, the help and exit code 2', () => {
    const { status, stderr } = revat();
    expect(stderr).toMatch(/^Usage: revat/);
    expect(status).toBe(2);
  });
});
