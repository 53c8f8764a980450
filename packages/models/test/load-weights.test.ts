import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  createModel,
  encodeSafetensors,
  encodeWeights,
  loadModel,
  loadWeights,
  readSafetensors,
  saveWeights,
  toFloat32,
  type Model,
  type ModelOptions,
  type NamedTensor,
} from '@revat/models';
import { fixture, fixtureJson, type CheckpointCase } from './fixture-files.js';

/** The network of the checkpoint fixtures. */
const OPTIONS: ModelOptions = {
  depths: [1, 1, 1, 1],
  dims: [8, 16, 24, 32],
  stem: 'conv',
  numClasses: 10,
  imageSize: 32,
};
const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const CHECKPOINTS = fixtureJson<CheckpointCase[]>('checkpoints', 'manifest.json').filter(({ expected }) =>
  /^expected(_ema|_f16_as_f32|_bf16_as_f32)?\.safetensors$/.test(expected),
);

let folder: string;
const models: Model[] = [];
let tensorsBefore = 0;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'revat-weights-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => {
  for (const model of models.splice(0)) model.dispose();
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

function newModel(options: ModelOptions = {}): Model {
  return keep(createModel('convnext', { ...OPTIONS, ...options }));
}

/** Another family, small. */
function newOther(name: string, options: ModelOptions): Model {
  return keep(createModel(name, { numClasses: 10, imageSize: 32, ...options }));
}

function keep(model: Model): Model {
  models.push(model);
  return model;
}

async function exported(model: Model): Promise<Map<string, NamedTensor>> {
  return (await readSafetensors(await encodeWeights(model))).tensors;
}

function hex({ data }: NamedTensor): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex');
}

/** All tensors as hexadecimal bytes, by name. */
function bytes(tensors: Map<string, NamedTensor>): Record<string, string> {
  return Object.fromEntries([...tensors].map(([name, tensor]) => [name, hex(tensor)]));
}

async function expected(): Promise<Map<string, NamedTensor>> {
  return (await readSafetensors(fixture('checkpoints', 'expected.safetensors'))).tensors;
}

/** The expected tensors under other names, as a file in memory. */
async function renamed(
  rename: (name: string) => string,
  extra: Record<string, NamedTensor> = {},
): Promise<Blob> {
  const tensors = [...(await expected())].map(([name, tensor]) => [rename(name), tensor] as const);
  return encodeSafetensors(new Map([...tensors, ...Object.entries(extra)]));
}

describe('loadWeights', () => {
  test.each(CHECKPOINTS)(
    '$file: all values, bit by bit',
    async ({ file, expected: values, strip_prefix }) => {
      const normalised = /(^|\.)model\.$/.test(strip_prefix);
      const model = newModel();
      const report = await loadWeights(model, fixture('checkpoints', file));
      const reference = (await readSafetensors(fixture('checkpoints', values))).tensors;
      expect(report).toMatchObject({
        prefix: strip_prefix,
        naming: 'timm',
        missing: [],
        unexpected: [],
        mismatched: [],
      });
      expect(report.loaded).toEqual(model.specs.map(({ name }) => name));
      expect(report.normalization).toEqual(normalised ? IMAGENET : undefined);
      expect(model.normalization).toEqual(normalised ? IMAGENET : 'none');
      expect(bytes(await exported(model))).toEqual(bytes(reference));
    },
  );

  test('EMA weights', async () => {
    const model = newModel();
    const report = await loadWeights(model, fixture('checkpoints', 'd_full_model_with_ema.pth'), {
      ema: true,
    });
    expect(report.section).toBe('state_dict_ema');
    const reference = (await readSafetensors(fixture('checkpoints', 'expected_ema.safetensors'))).tensors;
    expect(bytes(await exported(model))).toEqual(bytes(reference));
  });

  test('a stem swap is refused when strict, and nothing is changed', async () => {
    const model = newModel({ stem: 'patch', numClasses: 5 });
    const before = bytes(await exported(model));
    await expect(loadWeights(model, fixture('checkpoints', 'a_raw.pt'))).rejects.toMatchObject({
      code: 'mismatch',
      details: {
        missing: ['stem.0.weight', 'stem.0.bias', 'stem.1.weight', 'stem.1.bias'],
        unexpected: [
          '0.weight',
          '0.bias',
          '1.weight',
          '1.bias',
          '3.weight',
          '3.bias',
          '4.weight',
          '4.bias',
        ].map((name) => `stem.stem.${name}`),
        mismatched: [
          { name: 'head.fc.weight', file: [10, 32], model: [5, 32] },
          { name: 'head.fc.bias', file: [10], model: [5] },
        ],
      },
    });
    expect(bytes(await exported(model))).toEqual(before);
  });

  test('a stem swap with strict: false loads the rest and reports what it did not', async () => {
    const model = newModel({ stem: 'patch', numClasses: 5 });
    const before = bytes(await exported(model));
    const report = await loadWeights(model, fixture('checkpoints', 'a_raw.pt'), { strict: false });
    expect(report.missing).toEqual(['stem.0.weight', 'stem.0.bias', 'stem.1.weight', 'stem.1.bias']);
    expect(report.unexpected).toHaveLength(8);
    expect(report.mismatched.map(({ name }) => name)).toEqual(['head.fc.weight', 'head.fc.bias']);
    const reference = bytes(await expected());
    const after = bytes(await exported(model));
    for (const name of report.loaded) expect([name, after[name]]).toEqual([name, reference[name]]);
    for (const name of [...report.missing, 'head.fc.weight', 'head.fc.bias'])
      expect(after[name]).toBe(before[name]);
    expect(report.loaded.length + 6).toBe(model.specs.length);
  });

  test('a file of which nothing fits is refused even with strict: false', async () => {
    const model = newModel({ dims: [9, 18, 27, 36], stem: 'patch', numClasses: 7 });
    const file = await renamed((name) => `unknown-${name}`);
    await expect(loadWeights(model, file, { strict: false })).rejects.toThrow(/right file for this model\?$/);
  });

  test('a damaged record is found before anything is changed', async () => {
    const file = readFileSync(fixture('checkpoints', 'a_raw.pt'));
    const name = Buffer.from('/data/59');
    const record = file.indexOf(name);
    expect(record).toBeGreaterThan(0);
    const start = record + name.length + file.readUInt16LE(record - 'a_raw'.length - 2);
    file[start] ^= 1;
    const model = newModel();
    const before = bytes(await exported(model));
    await expect(loadWeights(model, new Uint8Array(file))).rejects.toThrow(
      /data\/59" does not match its checksum/,
    );
    expect(bytes(await exported(model))).toEqual(before);
  });
});

describe('namings', () => {
  const facebook = (name: string): string =>
    name
      .replace(/^stem\./, 'downsample_layers.0.')
      .replace(/^stages\.(\d)\.downsample\./, 'downsample_layers.$1.')
      .replace(/^stages\.(\d)\.blocks\.(\d)\./, 'stages.$1.$2.')
      .replace('conv_dw', 'dwconv')
      .replace('mlp.fc', 'pwconv')
      .replace(/^head\.(norm\.|fc\.)/, (_, part: string) => (part === 'fc.' ? 'head.' : 'norm.'));

  test("Facebook's ConvNeXt", async () => {
    const model = newModel();
    const report = await loadWeights(model, await renamed(facebook));
    expect(report.naming).toBe("Facebook's ConvNeXt");
    expect(bytes(await exported(model))).toEqual(bytes(await expected()));
  });

  const PARTS: ReadonlyArray<readonly [RegExp, string]> = [
    [/^stages\.(\d)\.blocks\.(\d)\.gamma/, 'features.STAGE.$2.layer_scale'],
    [/^stages\.(\d)\.blocks\.(\d)\.conv_dw/, 'features.STAGE.$2.block.0'],
    [/^stages\.(\d)\.blocks\.(\d)\.norm/, 'features.STAGE.$2.block.2'],
    [/^stages\.(\d)\.blocks\.(\d)\.mlp\.fc1/, 'features.STAGE.$2.block.3'],
    [/^stages\.(\d)\.blocks\.(\d)\.mlp\.fc2/, 'features.STAGE.$2.block.5'],
  ];
  const torchvision = (name: string): string => {
    const part = PARTS.find(([pattern]) => pattern.test(name));
    const stage = 2 * Number(name.split('.')[1]);
    if (part !== undefined) return name.replace(...part).replace('STAGE', String(stage + 1));
    return name
      .replace(/^stages\.\d\.downsample\./, `features.${stage}.`)
      .replace(/^stem\.(\d)\./, 'features.0.$1.')
      .replace('head.norm', 'classifier.0')
      .replace('head.fc', 'classifier.2');
  };

  test("torchvision's ConvNeXt, whose layer scale is (C, 1, 1)", async () => {
    const source = newModel({ stem: 'patch' });
    const tensors = [...(await exported(source))].map(([name, tensor]) => {
      const shape = name.endsWith('gamma') ? [...tensor.shape, 1, 1] : tensor.shape;
      return [torchvision(name), { ...tensor, shape }] as const;
    });
    const model = newModel({ stem: 'patch', seed: 1 });
    const report = await loadWeights(model, await encodeSafetensors(new Map(tensors)));
    expect(report.naming).toBe("torchvision's ConvNeXt");
    expect(bytes(await exported(model))).toEqual(bytes(await exported(source)));
  });

  test('Swin with patch merging at the end of a stage, with its index tables', async () => {
    const options = { depths: [2, 2], dim: 16, heads: [2, 4], window: 4 };
    const source = newOther('swin', options);
    const tensors = [...(await exported(source))].map(([name, tensor]) => {
      const old = name.replace('layers.1.downsample', 'layers.0.downsample').replace('head.fc', 'head');
      return [old, tensor] as const;
    });
    const tables = ['layers.0.blocks.0.attn.relative_position_index', 'layers.0.blocks.1.attn_mask'];
    const table: NamedTensor = { dtype: 'I64', shape: [2], data: BigInt64Array.of(1n, 2n) };
    const file = await encodeSafetensors(
      new Map([...tensors, ...tables.map((name) => [name, table] as const)]),
    );
    const model = newOther('swin', { ...options, seed: 1 });
    const report = await loadWeights(model, file);
    expect(report.naming).toBe('Swin with patch merging at the end of a stage');
    expect([...report.ignored].sort()).toEqual(tables);
    expect(bytes(await exported(model))).toEqual(bytes(await exported(source)));
  });

  test("Facebook's DeiT-III", async () => {
    const options = {
      depth: 2,
      dim: 16,
      heads: 2,
      stem: 'patch',
      layerScale: 0.1,
    };
    const source = newOther('vit', { ...options, positions: 'patches' });
    const file = await encodeSafetensors(
      new Map(
        [...(await exported(source))].map(([name, t]) => [name.replace(/ls([12])\.gamma/, 'gamma_$1'), t]),
      ),
    );
    const model = newOther('vit', { ...options, positions: 'patches', seed: 1 });
    expect((await loadWeights(model, file)).naming).toBe("Facebook's DeiT-III");
    expect(bytes(await exported(model))).toEqual(bytes(await exported(source)));
  });

  test("Facebook's XCiT: one matrix for query, key and value", async () => {
    const options = { depth: 1, dim: 16, heads: 2 };
    const source = newOther('xcit', options);
    const tensors = await exported(source);
    const fused = new Map<string, NamedTensor>();
    for (const [name, tensor] of tensors) {
      const part = /^(cls_attn_blocks\.\d\.attn\.)q(\..*)$/.exec(name);
      if (part !== null) {
        const rows = ['q', 'k', 'v'].map((key) => toFloat32(tensors.get(`${part[1]}${key}${part[2]}`)!));
        const data = Float32Array.from(rows.flatMap((row) => [...row]));
        fused.set(`${part[1]}qkv${part[2]}`, {
          dtype: 'F32',
          shape: [3 * tensor.shape[0], ...tensor.shape.slice(1)],
          data,
        });
      } else if (!/^cls_attn_blocks\.\d\.attn\.[kv]\./.test(name))
        fused.set(name.replace(/^pos_embed\./, 'pos_embeder.'), tensor);
    }
    const model = newOther('xcit', { ...options, seed: 1 });
    expect((await loadWeights(model, await encodeSafetensors(fused))).naming).toBe("Facebook's XCiT");
    expect(bytes(await exported(model))).toEqual(bytes(tensors));
  });

  test.each([
    ['normalize.mean', 'normalize.std', 'model.'],
    ['normalizer.new_mean', 'normalizer.new_std', 'model.'],
    ['0.mean', '0.std', '1.'],
    ['mu', 'sigma', '_orig_mod.module.'],
  ])('a normaliser as %s beside %s*', async (mean, std, prefix) => {
    const model = newModel();
    const statistics = (values: number[]): NamedTensor => ({
      dtype: 'F32',
      shape: [3, 1, 1],
      data: Float32Array.from(values),
    });
    const extra = { [mean]: statistics(IMAGENET.mean), [std]: statistics(IMAGENET.std) };
    const report = await loadWeights(model, await renamed((name) => prefix + name, extra));
    expect(report).toMatchObject({ prefix, normalization: IMAGENET, unexpected: [] });
    expect(bytes(await exported(model))).toEqual(bytes(await expected()));
  });

  test("the attacker's copy in robustness (Madry) checkpoints is left out", async () => {
    const copies = [...(await expected())].map(
      ([name, tensor]) => [`module.attacker.model.${name}`, tensor] as const,
    );
    const model = newModel();
    const report = await loadWeights(
      model,
      await renamed((name) => `module.model.${name}`, Object.fromEntries(copies)),
    );
    expect(report.ignored).toHaveLength(copies.length);
    expect(bytes(await exported(model))).toEqual(bytes(await expected()));
  });
});

describe('saveWeights', () => {
  test('writes what loads again to the same bytes, with the configuration in its metadata', async () => {
    const model = newModel();
    await loadWeights(model, fixture('checkpoints', 'a_raw.pt'));
    const file = path.join(folder, 'model.safetensors');
    await saveWeights(model, file);
    const again = newModel({ seed: 1 });
    await loadWeights(again, file);
    expect(bytes(await exported(again))).toEqual(bytes(await exported(model)));
    const { metadata } = await readSafetensors(file);
    expect(metadata.format).toBe('pt');
    const stored: unknown = JSON.parse(metadata.revat);
    expect(stored).toEqual({ name: 'convnext', config: model.config });
  });

  test('loadModel rebuilds the model, normalisation and all', async () => {
    const model = newModel();
    await loadWeights(model, fixture('checkpoints', 'c_normalize_model.pt'));
    const file = path.join(folder, 'normalised.safetensors');
    await saveWeights(model, file);
    const rebuilt = keep(await loadModel(file));
    expect(rebuilt.config).toEqual(model.config);
    expect(rebuilt.normalization).toEqual(IMAGENET);
    expect(bytes(await exported(rebuilt))).toEqual(bytes(await exported(model)));
  });

  test('loadWeights takes the normalisation that the file was saved with', async () => {
    const source = newModel({ normalization: 'inception' });
    const model = newModel();
    const report = await loadWeights(model, await encodeWeights(source));
    expect([report.normalization, model.normalization]).toEqual(['inception', 'inception']);
  });

  test('loadModel refuses files that do not say what they are', async () => {
    await expect(loadModel(fixture('checkpoints', 'a_raw.pt'))).rejects.toThrow(
      /Use createModel and loadWeights/,
    );
    const tensors = await expected();
    for (const revat of ['{', '5', '{"name": 1}', '{"name": "convnext", "config": null}']) {
      await expect(loadModel(await encodeSafetensors(tensors, { revat }))).rejects.toMatchObject({
        code: 'invalid-argument',
      });
    }
    const unknown = JSON.stringify({ name: 'unheard_of', config: {} });
    await expect(loadModel(await encodeSafetensors(tensors, { revat: unknown }))).rejects.toMatchObject({
      code: 'unknown-name',
    });
  });

  test('into a folder that does not exist: a clear error', async () => {
    await expect(saveWeights(newModel(), path.join(folder, 'absent', 'x.safetensors'))).rejects.toThrow(
      /cannot write: the folder does not exist/,
    );
  });
});

describe('sources', () => {
  test('a folder with one weight file', async () => {
    const place = mkdtempSync(path.join(folder, 'place-'));
    writeFileSync(path.join(place, 'notes.txt'), 'text');
    await expect(loadWeights(newModel(), place)).rejects.toThrow(/holds no \.safetensors/);
    writeFileSync(path.join(place, 'best.pt'), readFileSync(fixture('checkpoints', 'a_raw.pt')));
    const { source } = await loadWeights(newModel(), place);
    expect(source).toBe(`${place}/best.pt`);
    writeFileSync(path.join(place, 'last.pt'), readFileSync(fixture('checkpoints', 'a_raw.pt')));
    await expect(loadWeights(newModel(), place)).rejects.toThrow(/several weight files: best\.pt, last\.pt/);
  });

  test('a path that does not exist', async () => {
    await expect(loadWeights(newModel(), path.join(folder, 'no-such.pt'))).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  test('something that is no source', async () => {
    await expect(loadWeights(newModel(), 5 as unknown as string)).rejects.toMatchObject({
      code: 'invalid-argument',
    });
  });
});
