import { expect, test } from '@jest/globals';

import { diagnoseDevices } from './diagnose-devices.js';

test('every backend of the platform is tried, and what fails says why', async () => {
  const diagnoses = await diagnoseDevices();
  const named = (name: string, provider?: string) =>
    diagnoses.find((diagnosis) => diagnosis.backend === name && diagnosis.provider === provider);

  expect(named('onnx', 'cpu')).toMatchObject({ usable: true });
  expect(named('wasm')).toMatchObject({ usable: true });
  expect(named('cpu')).toMatchObject({ usable: true });
  expect(named('node-gpu')).toMatchObject({ usable: false, advice: 'npm install @tensorflow/tfjs-node-gpu' });
  expect(named('webgl')).toBeUndefined();
  for (const { usable, remark } of diagnoses) if (!usable) expect(remark).not.toBe('');
});
