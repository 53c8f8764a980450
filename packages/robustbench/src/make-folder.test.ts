import { existsSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { withTemporaryFolder } from '../test/temporary-folder.js';
import { makeFolder } from './make-folder.js';

describe('makeFolder', () => {
  test('makes parents, and is content with what is there', async () => {
    await withTemporaryFolder(async (folder) => {
      const deep = path.join(folder, 'a/b/c');
      await Promise.all([makeFolder(deep), makeFolder(deep), makeFolder(path.join(folder, 'a/d'))]);
      await makeFolder(deep);
      expect((await stat(deep)).isDirectory()).toBe(true);
      expect((await stat(path.join(folder, 'a/d'))).isDirectory()).toBe(true);
    });
  });

  test('fails where a file stands in the way', async () => {
    await withTemporaryFolder(async (folder) => {
      const file = path.join(folder, 'file');
      await writeFile(file, '');
      await expect(makeFolder(file)).rejects.toMatchObject({ code: 'EEXIST' });
      await expect(makeFolder(path.join(file, 'x/y'))).rejects.toMatchObject({ code: 'EEXIST', path: file });
    });
  });

  const testOnLinux = existsSync('/proc/self') ? test : test.skip;
  testOnLinux('fails, and does not run forever, where nothing can be made', async () => {
    await expect(makeFolder('/proc/none/x')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
