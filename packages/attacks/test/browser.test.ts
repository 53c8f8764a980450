import { afterEach, expect, test } from '@jest/globals';

import {
  describeInChromium,
  openChromiumPage,
  START_TIMEOUT_MS,
  type ChromiumPage,
} from '../../../tools/jest/chromium-page.js';
import { attackLinearModel, type PageAttack } from './browser/attack-page.js';

const ENTRY = require.resolve('./browser/attack-page.ts');

describeInChromium('in headless Chromium', () => {
  let page: ChromiumPage | undefined;

  afterEach(() => page?.close());

  test(
    'attacks find what they find in Node',
    async () => {
      page = await openChromiumPage(ENTRY);
      const found = await page.call<Record<string, PageAttack>>('attackLinearModel');
      const expected = await attackLinearModel();
      expect(Object.keys(found)).toEqual(['Linf', 'L2', 'L1']);
      for (const [norm, { success, adversarial }] of Object.entries(expected)) {
        expect(found[norm].success).toEqual(success);
        expect(new Set(success)).toEqual(new Set([0, 1]));
        const differences = adversarial.map((value, i) => Math.abs(value - found[norm].adversarial[i]));
        expect(Math.max(...differences)).toBeLessThan(1e-5);
      }
    },
    START_TIMEOUT_MS,
  );

  test(
    'a page that forbids WebAssembly is told what to allow',
    async () => {
      page = await openChromiumPage(ENTRY, { headers: { 'content-security-policy': "script-src 'self'" } });
      expect(await page.call<string>('errorOfAttack')).toMatch(/^unavailable: .*'wasm-unsafe-eval'/);
    },
    START_TIMEOUT_MS,
  );
});
