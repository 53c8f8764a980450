/** Weight files of any supported format, recognised by their content, not by their name. */
import { RevatError } from '@revat/core';
import { readBytes, type ByteSource } from './byte-source.js';
import type { NamedTensor } from './dtype.js';
import { openPyTorch, type PyTorchOptions } from './pytorch.js';
import type { RemoteOptions } from './remote-options.js';
import { openSafetensors } from './read-safetensors.js';
import { openSource, type WeightSource } from './source.js';
import type { TensorFile } from './tensor-file.js';
import { isWebPage } from './web-page.js';

/** What to take of a file that holds several state dicts, and how to fetch it. */
export interface CheckpointOptions extends PyTorchOptions, RemoteOptions {}

export interface Checkpoint {
  /** Plain tensors by their names in the file. */
  readonly tensors: Map<string, NamedTensor>;
  /** Where in the file they were found, e.g. 'state_dict'; '' for the top level. */
  readonly section: string;
  /** All places of the file that hold tensors: what `section` can choose from. */
  readonly sections: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads all tensors of a weight file: safetensors, or PyTorch's .pt / .pth in either of its formats. A pickle is read
 * by an unpickler that can run nothing.
 *
 * @param source a path or folder (Node), URL, `hf:` name, ArrayBuffer, Uint8Array, Blob or ByteSource
 * @throws RevatError 'not-found' | 'invalid-file' | 'invalid-argument' | 'io'
 */
export async function readCheckpoint(
  source: WeightSource,
  options: CheckpointOptions = {},
): Promise<Checkpoint> {
  const file = await openCheckpoint(source, options);
  try {
    const tensors = new Map<string, NamedTensor>();
    for (const name of file.tensors.keys()) tensors.set(name, await file.read(name));
    return { tensors, section: file.section, sections: file.sections, metadata: file.metadata };
  } finally {
    await file.close();
  }
}

/** The same without reading the values yet: names and shapes are known, each tensor is read when asked for. */
export async function openCheckpoint(
  source: WeightSource,
  options: CheckpointOptions = {},
): Promise<TensorFile> {
  const bytes = await openSource(source, options);
  const format = await recognise(bytes).catch(async (error: unknown) => {
    await bytes.close();
    throw error;
  });
  return format === 'safetensors' ? openSafetensors(bytes) : openPyTorch(bytes, format, options);
}

/** First bytes of what users give by mistake, and what to tell them. */
const STRANGERS: ReadonlyArray<readonly [RegExp, string]> = [
  [
    /^version https:\/\/git-lfs/,
    'is a Git LFS pointer, not the file itself. Run `git lfs pull`, or download the file',
  ],
  [/^\u0089HDF/, 'is an HDF5 file (Keras). Convert it with tensorflowjs_converter, or load PyTorch weights'],
  [/^\u001f\u008b/, 'is compressed with gzip. Unpack it first'],
  [/^\u0093NUMPY/, 'is a NumPy array. Save a state dict with torch.save or safetensors'],
  [/^\s*\{/, 'is JSON. Load tfjs models with loadTfjsModel'],
];

async function recognise(source: ByteSource): Promise<'safetensors' | 'zip' | 'legacy'> {
  if (source.size === 0) throw unknown(source, 'is empty. Fetch it again');
  const head = await readBytes(source, 0, Math.min(source.size, 64));
  const text = String.fromCharCode(...head);
  if (text.startsWith('PK')) return 'zip';
  if (head.length > 8 && text[8] === '{' && head[5] + head[6] + head[7] === 0) return 'safetensors';
  if (isWebPage(head)) {
    throw unknown(
      source,
      'is a web page, not a checkpoint: a download saved an error page. Fetch the file itself',
    );
  }
  const stranger = STRANGERS.find(([start]) => start.test(text));
  if (stranger !== undefined) throw unknown(source, stranger[1]);
  if (head[0] === 0x80 && head[1] <= 5) return 'legacy';
  if (source.name.endsWith('.safetensors')) return 'safetensors';
  throw unknown(source, 'is neither safetensors nor a PyTorch checkpoint. Check that it is the right file');
}

function unknown(source: ByteSource, what: string): RevatError {
  return new RevatError('invalid-file', `${source.name} ${what}.`);
}
