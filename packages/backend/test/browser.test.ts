import path from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import {
  describeInChromium,
  openChromiumPage,
  START_TIMEOUT_MS,
  type ChromiumPage,
} from '../../../tools/jest/chromium-page.js';
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

/** Pages that may use threads. */
const ISOLATED = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

describeInChromium('in headless Chromium', () => {
  let page: ChromiumPage;
  let comparison: Comparison;

  beforeAll(async () => {
    page = await openChromiumPage(require.resolve('./browser/convnext-page.ts'), {
      folders: [path.dirname(require.resolve('onnxruntime-web'))],
      headers: ISOLATED,
      // ONNX Runtime's threads load the chunk that it is in.
      splitting: true,
    });
    comparison = await page.call<Comparison>('compareBackends');
  }, START_TIMEOUT_MS);

  afterAll(() => page?.close());

  test('logits and input gradient of a ConvNeXt, and a product with a large constant, equal those of the cpu backend', () => {
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
