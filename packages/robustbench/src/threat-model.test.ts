import { describe, expect, test } from '@jest/globals';

import { parseThreatModel, threatModel } from './threat-model.js';

describe('threatModel', () => {
  test('has an id that can name a folder and a label for people', () => {
    expect(threatModel({ norm: 'linf', eps: '4/255', seen: true })).toEqual({
      id: 'linf-4_255-autoattack-standard',
      norm: 'Linf',
      eps: 4 / 255,
      protocol: 'autoattack-standard',
      label: 'Linf 4/255, standard AutoAttack',
      seen: true,
    });
  });

  test('is read from text', () => {
    expect(parseThreatModel('L1:12:apgdt')).toEqual(threatModel({ norm: 'L1', eps: 12, protocol: 'apgdt' }));
    expect(parseThreatModel('L2: 0.5', { seen: true })).toEqual(
      threatModel({ norm: 'L2', eps: 0.5, seen: true }),
    );
  });

  test.each([
    ['Linf', 'invalid-argument'],
    ['Linf:0.1:apgdt:more', 'invalid-argument'],
    ['L3:0.1', 'unknown-name'],
    ['L2:-1', 'invalid-argument'],
    ['L2:1:magic', 'unknown-name'],
  ])('refuses %p', (text, code) => {
    expect(() => parseThreatModel(text)).toThrow(expect.objectContaining({ name: 'RevatError', code }));
  });
});
