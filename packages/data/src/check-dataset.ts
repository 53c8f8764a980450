/** A scan of a data set on disk for what breaks or biases training: unreadable, duplicate, mislabelled files. */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { extname, join, relative, resolve } from 'node:path';

import { isRevatError, RevatError, throwIfAborted } from '@revat/core';

import type { DatasetCheck } from './dataset-check.js';
import { colorMode, decodeImage } from './decode-image.js';
import type { ImageDataset, SampleLocation } from './image-dataset.js';
import { classFolders, imageFolder, isImageName } from './image-folder.js';
import { imageHeader, type ImageFormat } from './image-header.js';
import { fileError, readBytes } from './read-sample.js';
import { tarShards } from './tar-shards.js';

export interface DatasetCheckOptions {
  /** Called after every few images. */
  onProgress?: (checked: number, total: number) => void;
  signal?: AbortSignal;
}

interface Split {
  readonly name: string;
  readonly dataset: ImageDataset;
}

/** Images decoded at a time. */
const CONCURRENCY = 4;
const SPLIT_NAMES = new Set(['train', 'training', 'val', 'valid', 'validation', 'test']);
const EXTENSIONS: Record<ImageFormat, readonly string[]> = {
  jpeg: ['.jpg', '.jpeg'],
  png: ['.png'],
  gif: ['.gif'],
  webp: ['.webp'],
  tiff: ['.tif', '.tiff'],
};

/**
 * Reads and decodes every image below `directory`: class folders, train/val/test folders of class folders, or tar shards.
 * Rejects with 'not-found' or 'invalid-file' if there is no data set, with 'aborted' if the signal fires.
 */
export async function checkDataset(
  directory: string,
  options: DatasetCheckOptions = {},
): Promise<DatasetCheck> {
  const root = resolve(directory);
  const { layout, splits } = openSplits(root);
  const scan = new Scan(root);
  const total = splits.reduce((sum, { dataset }) => sum + dataset.length, 0);
  let checked = 0;
  for (const [split, { dataset }] of splits.entries()) {
    for (let first = 0; first < dataset.length; first += CONCURRENCY) {
      throwIfAborted(options.signal, 'checkDataset');
      const indices = Array.from(
        { length: Math.min(CONCURRENCY, dataset.length - first) },
        (_, i) => first + i,
      );
      const findings = await Promise.all(indices.map((index) => examine(locationOf(dataset, index))));
      findings.forEach((finding) => scan.add(finding, split));
      checked += indices.length;
      options.onProgress?.(checked, total);
    }
  }
  return {
    directory: root,
    layout,
    images: total,
    ...scan.result(),
    splits: splits.map(({ name, dataset }) => ({
      name,
      images: dataset.length,
      classes: classCounts(dataset),
    })),
    ignored:
      layout === 'folders' ? splits.flatMap(({ name, dataset }) => ignoredFiles(root, name, dataset)) : [],
  };
}

function openSplits(root: string): { layout: DatasetCheck['layout']; splits: Split[] } {
  let names: string[];
  try {
    names = readdirSync(root);
  } catch (cause) {
    throw fileError(root, cause);
  }
  if (names.some((name) => name.endsWith('.tar')))
    return { layout: 'shards', splits: [{ name: 'all', dataset: tarShards(root) }] };
  const folders = classFolders(root);
  const splitFolders = folders.filter((name) => SPLIT_NAMES.has(name));
  if (splitFolders.length > 0 && splitFolders.length === folders.length)
    return {
      layout: 'folders',
      splits: splitFolders.map((name) => ({ name, dataset: imageFolder(join(root, name)) })),
    };
  return { layout: 'folders', splits: [{ name: 'all', dataset: imageFolder(root) }] };
}

function locationOf(dataset: ImageDataset, index: number): SampleLocation {
  if (dataset.locate) return dataset.locate(index);
  throw new RevatError('unavailable', `checkDataset: ${dataset.name} has no files.`);
}

interface Finding {
  readonly location: SampleLocation;
  readonly reason?: string;
  readonly bytes: number;
  readonly hash?: string;
  readonly format?: ImageFormat;
  readonly mode?: string;
  readonly width?: number;
  readonly height?: number;
}

async function examine(location: SampleLocation): Promise<Finding> {
  let bytes = new Uint8Array(0);
  try {
    bytes = readBytes(location) as Uint8Array<ArrayBuffer>;
    const { width, height } = await decodeImage(bytes, location.path);
    return {
      location,
      bytes: bytes.length,
      hash: createHash('sha256').update(bytes).digest('hex'),
      format: imageHeader(bytes)?.format,
      mode: await colorMode(bytes),
      width,
      height,
    };
  } catch (error) {
    if (!isRevatError(error)) throw error;
    return { location, bytes: bytes.length, reason: error.message };
  }
}

/** Collects findings. */
class Scan {
  private bytes = 0;
  private readonly unreadable: DatasetCheck['unreadable'][number][] = [];
  private readonly wrongExtensions: DatasetCheck['wrongExtensions'][number][] = [];
  private readonly byHash = new Map<string, { file: string; label: number; split: number }[]>();
  private readonly colorModes: Record<string, number> = {};
  private readonly width: [number, number] = [Infinity, 0];
  private readonly height: [number, number] = [Infinity, 0];

  constructor(private readonly root: string) {}

  add({ location, reason, bytes, hash, format, mode, width, height }: Finding, split: number): void {
    const file = this.nameOf(location);
    this.bytes += bytes;
    if (reason !== undefined) this.unreadable.push({ file, reason });
    if (hash === undefined || !format || !mode || !width || !height) return;
    const same = this.byHash.get(hash) ?? [];
    this.byHash.set(hash, [...same, { file, label: location.label, split }]);
    if (location.offset === undefined && !EXTENSIONS[format].includes(extname(file).toLowerCase()))
      this.wrongExtensions.push({ file, format });
    this.colorModes[mode] = (this.colorModes[mode] ?? 0) + 1;
    widen(this.width, width);
    widen(this.height, height);
  }

  result(): Pick<
    DatasetCheck,
    'bytes' | 'unreadable' | 'duplicates' | 'wrongExtensions' | 'colorModes' | 'sizes'
  > {
    const { bytes, unreadable, wrongExtensions, colorModes, width, height } = this;
    const groups = [...this.byHash.values()].filter((group) => group.length > 1);
    return {
      bytes,
      unreadable,
      duplicates: groups.map((group) => ({
        files: group.map(({ file }) => file),
        acrossClasses: new Set(group.map(({ label }) => label)).size > 1,
        acrossSplits: new Set(group.map(({ split }) => split)).size > 1,
      })),
      wrongExtensions,
      colorModes,
      sizes: width[1] > 0 ? { width, height } : null,
    };
  }

  private nameOf({ path, offset }: SampleLocation): string {
    return offset === undefined
      ? relative(this.root, path)
      : `${relative(this.root, path)} at byte ${offset}`;
  }
}

function widen(range: [number, number], value: number): void {
  range[0] = Math.min(range[0], value);
  range[1] = Math.max(range[1], value);
}

function classCounts(dataset: ImageDataset): Record<string, number> {
  const counts = new Array<number>(dataset.classNames.length).fill(0);
  for (let index = 0; index < dataset.length; index++) counts[locationOf(dataset, index).label]++;
  return Object.fromEntries(dataset.classNames.map((name, label) => [name, counts[label]]));
}

/** Files, not folders, in the class folders that the data set leaves out. */
function ignoredFiles(root: string, split: string, { classNames }: ImageDataset): string[] {
  const base = split === 'all' ? root : join(root, split);
  return classNames.flatMap((className) =>
    readdirSync(join(base, className), { withFileTypes: true })
      .filter((entry) => entry.isFile() && !isImageName(entry.name))
      .map((entry) => relative(root, join(base, className, entry.name))),
  );
}
