import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { readCheckpoint, readSafetensors, toFloat32, type NamedTensor } from '@revat/models';
import { fixture, fixtureJson, type CheckpointCase } from './fixture-files.js';
import { unzip, zip64 } from './zip-archive.js';

const CASES = fixtureJson<CheckpointCase[]>('checkpoints', 'manifest.json');
const LOADABLE = CASES.filter(({ expected }) => expected !== '(error)');

/** The very bits: same dtype as they are, otherwise both as float32. */
function bits(tensor: NamedTensor, reference: NamedTensor): string {
  const { buffer, byteOffset, byteLength } =
    tensor.dtype === reference.dtype ? tensor.data : toFloat32(tensor);
  return Buffer.from(buffer, byteOffset, byteLength).toString('hex');
}

async function expectSame(
  tensors: Map<string, NamedTensor>,
  prefix: string,
  expectedFile: string,
): Promise<void> {
  const expected = (await readSafetensors(fixture('checkpoints', expectedFile))).tensors;
  expect(expected.size).toBeGreaterThan(0);
  for (const [name, reference] of expected) {
    const tensor = tensors.get(prefix + name);
    expect([name, tensor?.shape]).toEqual([name, reference.shape]);
    expect([name, bits(tensor!, reference)]).toEqual([name, bits(reference, reference)]);
  }
}

describe('checkpoints as users have them', () => {
  test.each(LOADABLE)(
    '$file: $what',
    async ({ file, expected, strip_prefix, normalisation, state_dict_at }) => {
      const { tensors, section } = await readCheckpoint(fixture('checkpoints', file));
      if (!state_dict_at.startsWith('(')) expect(state_dict_at).toContain(section);
      await expectSame(tensors, strip_prefix, expected);
      if (normalisation !== undefined) {
        const prefix = strip_prefix.replace(/model\.$/, 'normalize.');
        await expectSame(tensors, prefix, normalisation);
      }
    },
  );

  test('the same bytes from memory and from a Blob', async () => {
    const bytes = new Uint8Array(readFileSync(fixture('checkpoints', 'a_raw.pt')));
    for (const source of [bytes, new Blob([bytes])]) {
      await expectSame((await readCheckpoint(source)).tensors, '', 'expected.safetensors');
    }
  });

  test('an archive with zip64 fields', async () => {
    const records = unzip(new Uint8Array(readFileSync(fixture('checkpoints', 'a_raw.pt'))));
    const archive = zip64([...records].map(([name, content]) => [`archive/${name}`, content]));
    await expectSame((await readCheckpoint(archive)).tensors, '', 'expected.safetensors');
  });

  test('EMA weights on demand', async () => {
    const { tensors, section, sections } = await readCheckpoint(
      fixture('checkpoints', 'd_full_model_with_ema.pth'),
      {
        ema: true,
      },
    );
    expect(section).toBe('state_dict_ema');
    expect(sections).toEqual(['model_state_dict', 'state_dict_ema']);
    await expectSame(tensors, 'module.base_model.', 'expected_ema.safetensors');
  });

  test('a section by its name', async () => {
    const file = fixture('checkpoints', 'd_full_model_with_ema.pth');
    expect((await readCheckpoint(file, { section: 'state_dict_ema' })).section).toBe('state_dict_ema');
    await expect(readCheckpoint(file, { section: 'weights' })).rejects.toThrow(
      /has no section "weights"\. It has "model_state_dict", "state_dict_ema"/,
    );
    await expect(readCheckpoint(fixture('checkpoints', 'a_raw.pt'), { ema: true })).rejects.toThrow(
      /no EMA weights/,
    );
  });

  test('a whole module is refused by the name of its class', async () => {
    await expect(readCheckpoint(fixture('checkpoints', 'i_whole_module.pt'))).rejects.toThrow(
      /torch\.nn\.modules\.container\.Sequential.*model\.state_dict\(\)/,
    );
  });

  test('classes that the caller names are read as objects without content', async () => {
    const read = readCheckpoint(fixture('checkpoints', 'i_whole_module.pt'), {
      opaqueClasses: ['torch.nn.modules.container.Sequential', 'torch.nn.modules.linear.Linear'],
    });
    await expect(read).rejects.toThrow(/holds no tensors/);
  });
});
