import fs, {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';

import { createFolder, writeFileAtomically, writeJsonAtomically } from './atomic-file.js';

let scratch = '';
beforeEach(() => {
  scratch = mkdtempSync(path.join(os.tmpdir(), 'revat-atomic-file-'));
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(scratch, { recursive: true });
});

describe('createFolder', () => {
  test('makes parents, and is content with what is there', () => {
    const deep = path.join(scratch, 'a/b/c');
    createFolder(deep);
    createFolder(deep);
    createFolder(path.join(scratch, 'a/d'));
    expect(statSync(deep).isDirectory()).toBe(true);
    expect(statSync(path.join(scratch, 'a/d')).isDirectory()).toBe(true);
  });

  test('is content where another process makes the folder at the same moment', () => {
    const { mkdirSync } = fs;
    jest.spyOn(fs, 'mkdirSync').mockImplementationOnce((folder) => {
      mkdirSync(folder);
      mkdirSync(folder); // throws EEXIST
      return undefined;
    });
    createFolder(path.join(scratch, 'a/b'));
    expect(statSync(path.join(scratch, 'a/b')).isDirectory()).toBe(true);
  });

  test('fails where a file stands in the way', () => {
    const file = path.join(scratch, 'file');
    writeFileSync(file, '');
    for (const folder of [file, path.join(file, 'x/y')])
      expect(() => createFolder(folder)).toThrow(
        expect.objectContaining({
          code: 'io',
          message: expect.stringMatching(/^cannot write to .*EEXIST.*Choose an output folder/),
        }),
      );
    expect(readFileSync(file, 'utf8')).toBe('');
  });

  const testOnLinux = existsSync('/proc/self') ? test : test.skip;
  testOnLinux('fails, and does not run forever, where nothing can be made', () => {
    expect(() => createFolder('/proc/none/x')).toThrow(/^cannot write to \/proc\/none\/x: ENOENT/);
  });
});

describe('writeFileAtomically', () => {
  test('writes text and bytes, makes the folder, replaces what was there', () => {
    const file = path.join(scratch, 'run/file');
    writeFileAtomically(file, 'text');
    expect(readFileSync(file, 'utf8')).toBe('text');
    writeFileAtomically(file, Uint8Array.of(1, 255));
    expect([...readFileSync(file)]).toEqual([1, 255]);
    expect(readdirSync(path.dirname(file))).toEqual(['file']);
  });

  test.each(['writeFileSync', 'renameSync'] as const)(
    'leaves the old file and nothing else when %s fails',
    (step) => {
      const file = path.join(scratch, 'file');
      writeFileAtomically(file, 'old');
      jest.spyOn(fs, step).mockImplementationOnce((temporary) => {
        fs.appendFileSync(temporary, 'ne');
        throw new Error('ENOSPC: no space left on device');
      });
      expect(() => writeFileAtomically(file, 'new')).toThrow(
        expect.objectContaining({
          code: 'io',
          message: expect.stringMatching(/^cannot write .*file: ENOSPC.*space\.$/),
        }),
      );
      expect(readFileSync(file, 'utf8')).toBe('old');
      expect(readdirSync(scratch)).toEqual(['file']);
    },
  );

  test('fails where the folder cannot be made', () => {
    expect(() => writeFileAtomically('/dev/null/file', '')).toThrow(/^cannot write to \/dev\/null: /);
  });
});

test('writeJsonAtomically writes indented JSON and a line end', () => {
  const file = path.join(scratch, 'value.json');
  writeJsonAtomically(file, { a: [1] });
  expect(readFileSync(file, 'utf8')).toBe('{\n  "a": [\n    1\n  ]\n}\n');
});
