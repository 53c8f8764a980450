import { afterAll, beforeAll, expect, test } from '@jest/globals';

import {
  describeInChromium,
  openChromiumPage,
  START_TIMEOUT_MS,
  type ChromiumPage,
} from '../../../tools/jest/chromium-page.js';
import type { PageResult } from './browser/weights-page.js';
import { fixture } from './fixture-files.js';

describeInChromium('weights in headless Chromium', () => {
  let page: ChromiumPage;
  let result: PageResult;

  beforeAll(async () => {
    page = await openChromiumPage(require.resolve('./browser/weights-page.ts'), {
      folders: [fixture('checkpoints', ''), fixture('hostile', '')],
    });
    result = await page.call<PageResult>('run');
  }, START_TIMEOUT_MS);

  afterAll(() => page?.close());

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
