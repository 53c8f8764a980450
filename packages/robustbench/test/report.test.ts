import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { renderReport } from '../src/report/render-report.js';
import { verdictText } from '../src/report/verdict.js';
import { writeResults } from '../src/results-file.js';
import type { Results } from '../src/results.js';
import { writeReport } from '../src/write-report.js';
import { samplePictures, sampleResults } from './sample-results.js';
import { withTemporaryFolder } from './temporary-folder.js';

const VOID_TAGS = new Set(['meta', 'br', 'hr', 'img', 'rect', 'path', 'circle', 'polygon']);

/** Tags that are closed out of order or never; attributes that are not quoted. */
function markupProblems(html: string): string[] {
  const problems: string[] = [];
  const open: string[] = [];
  const body = html.replace(/<style>[\s\S]*?<\/style>/, '').replace(/<!doctype html>/, '');
  for (const [tag, close, name, attributes, selfClosing] of body.matchAll(
    /<(\/?)([a-zA-Z][\w-]*)((?:\s+[\w:-]+(?:="[^"<]*")?)*)\s*(\/?)>|<[^>]*>/g,
  )) {
    if (name === undefined) problems.push(`malformed ${tag}`);
    else if (close) {
      if (open.pop() !== name) problems.push(`unexpected </${name}>`);
    } else if (!selfClosing && !VOID_TAGS.has(name)) open.push(name);
    if (/\son\w+=/.test((attributes ?? '').replace(/"[^"]*"/g, ''))) problems.push(`event handler in ${tag}`);
  }
  return [...problems, ...open.map((name) => `<${name}> is not closed`)];
}

/** The document with every text replaced. */
function withTexts<T>(value: T, replace: (text: string, key: string) => string, key = ''): T {
  if (typeof value === 'string') return replace(value, key) as T;
  if (Array.isArray(value)) return value.map((entry: unknown) => withTexts(entry, replace, key)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, entry]) => [name, withTexts(entry, replace, name)]),
  ) as T;
}

describe('report', () => {
  test('is well-formed, self-contained and free of scripts', () => {
    const results = sampleResults();
    const html = renderReport(results, samplePictures(results));
    expect(markupProblems(html)).toEqual([]);
    expect(html).not.toMatch(/<script|<link|<iframe|<object|@import|url\(|javascript:|https?:/i);
    expect(
      [...html.matchAll(/\ssrc="(.{22})/g)].every(([, start]) => start === 'data:image/png;base64,'),
    ).toBe(true);
    expect(html.match(/<img/g)).toHaveLength(27);
    expect(html).not.toMatch(/undefined|NaN|\[object|Infinity/);
  });

  test('shows the numbers of the results', () => {
    const html = renderReport(sampleResults());
    for (const text of [
      '68 of 100',
      '68.0\u202f%',
      'Seen in training',
      'Unseen',
      '299,532',
      'npm run quickstart -- --seed 0',
    ])
      expect(html).toContain(text);
    expect(verdictText(sampleResults())).toBe(
      'Fine-tuned to 0.15: 68 of 100 images (68.0\u202f%) withstand standard AutoAttack within Linf 0.15, ' +
        'at 97.0\u202f% clean accuracy; Clean-trained: none, at 99.0\u202f%.',
    );
  });

  test('escapes every text from outside', () => {
    const keep = new Set([
      'schema',
      'norm',
      'protocol',
      'severity',
      'model',
      'threatModel',
      'id',
      'clean',
      'adversarial',
      'difference',
    ]);
    const attack = `</title></style>"><script>alert('x')</script><img src=x onerror=alert(1)>&lt;`;
    const results = sampleResults();
    const hostile = withTexts(results, (text, key) => (keep.has(key) ? text : text + attack));
    const findings = [
      { code: attack, severity: 'error' as const, message: attack, consequence: attack, fix: attack },
    ];
    hostile.models.forEach((model) => Object.assign(model, { findings }));
    const html = renderReport(hostile, samplePictures(results));
    expect(html).not.toMatch(/<script|<img src=x/);
    expect(markupProblems(html)).toEqual([]);
    expect(html).toContain('&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;');
  });

  test.each<[string, Partial<Results>]>([
    ['no training', { training: [] }],
    ['no pictures and no curves', { pictures: [], radiusCurves: [] }],
    [
      'no attack',
      { threatModels: [], pictures: [], models: sampleResults().models.map((m) => ({ ...m, threats: [] })) },
    ],
    ['no model', { models: [], pictures: [], radiusCurves: [] }],
    ['no time', { timings: [], files: [] }],
    [
      'one epoch',
      {
        training: [
          {
            label: 'x',
            stages: [
              {
                ...sampleResults().training[0].stages[0],
                epochs: [sampleResults().training[0].stages[0].epochs[0]],
              },
            ],
          },
        ],
      },
    ],
  ])('is whole with %s', (_, change) => {
    const html = renderReport({ ...sampleResults(), ...change });
    expect(markupProblems(html)).toEqual([]);
    expect(html).not.toMatch(/undefined|NaN|Infinity/);
  });

  test('is written from a run folder, and reads no picture outside of it', async () => {
    await withTemporaryFolder(async (folder) => {
      const results = sampleResults();
      const secret = path.join(folder, 'secret.png');
      const run = path.join(folder, 'run');
      const [picture] = results.pictures;
      await writeResults(secret, results);
      await writeResults(path.join(run, 'results.json'), {
        ...results,
        pictures: [
          { ...picture, files: { clean: '../secret.png', adversarial: secret, difference: 'none.png' } },
        ],
      });
      const html = await readFile(await writeReport(run), 'utf8');
      expect(html).not.toContain('data:image/png');
      expect(html.match(/is missing/g)).toHaveLength(3);
    });
  });
});
