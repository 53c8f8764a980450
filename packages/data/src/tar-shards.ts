/**
 * Tar shards in WebDataset's layout: the members that share a name up to the first dot after the last slash are one sample:
 * key.jpg and key.cls. The shards are indexed once, so samples can be read in any order and by any number of workers.
 */
import { readdirSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

import { RevatError } from '@revat/core';

import type { ImageDataset } from './image-dataset.js';
import { locatedDataset } from './located-dataset.js';
import { fileError, readBytes } from './read-sample.js';
import { tarIndex, type TarMember } from './tar-index.js';

export interface TarShardsOptions {
  /** Default: the name of the folder or of the first shard. */
  name?: string;
  /** Class names in label order; default: the numbers up to the largest label. */
  classNames?: readonly string[];
}

const IMAGE_EXTENSIONS = new Set(['jpg', 'jpeg', 'png', 'webp', 'gif', 'tif', 'tiff']);
const MAX_LABEL = 1_000_000;

/**
 * The samples of tar shards: a list of files, or a folder whose *.tar files are taken in sorted order. Ids are places in
 * that order. Throws 'not-found', 'io' or 'invalid-file' naming the shard, also when a sample has no image or no label.
 */
export function tarShards(source: string | readonly string[], options: TarShardsOptions = {}): ImageDataset {
  const paths = typeof source === 'string' ? shardFiles(source) : source.map((path) => resolve(path));
  if (paths.length === 0)
    throw new RevatError('not-found', `tarShards: no shards in ${String(source)}. Give *.tar files.`);
  const samples = new SampleTable();
  paths.forEach((path, shard) => indexShard(path, shard, samples));
  if (samples.length === 0)
    throw new RevatError('invalid-file', `tarShards: the shards hold no samples (key.jpg with key.cls).`);
  const { shards, offsets, lengths, labels } = samples.columns();
  const classCount = labels.reduce((most, label) => Math.max(most, label), 0) + 1;
  const classNames = options.classNames ?? Array.from({ length: classCount }, (_, label) => String(label));
  if (classNames.length < classCount)
    throw new RevatError(
      'mismatch',
      `tarShards: a label is ${classCount - 1}, but there are ${classNames.length} class names.`,
    );
  const name = options.name ?? basename(typeof source === 'string' ? source : paths[0]);
  return locatedDataset(name, classNames, labels.length, (index) => ({
    path: paths[shards[index]],
    offset: offsets[index],
    length: lengths[index],
    encoding: 'image',
    label: labels[index],
    id: index,
  }));
}

function shardFiles(source: string): string[] {
  const root = resolve(source);
  try {
    if (!statSync(root).isDirectory()) return [root];
    return readdirSync(root)
      .filter((name) => name.endsWith('.tar'))
      .sort()
      .map((name) => join(root, name));
  } catch (cause) {
    throw fileError(root, cause);
  }
}

function indexShard(path: string, shard: number, samples: SampleTable): void {
  let key: string | undefined;
  let members: Map<string, TarMember> = new Map();
  const finish = () => {
    if (key !== undefined) addSample(path, shard, key, members, samples);
  };
  for (const member of tarIndex(path)) {
    const slash = member.name.lastIndexOf('/') + 1;
    const dot = member.name.indexOf('.', slash);
    if (dot <= slash) continue;
    const memberKey = member.name.slice(0, dot);
    if (memberKey !== key) {
      finish();
      key = memberKey;
      members = new Map();
    }
    members.set(member.name.slice(dot + 1).toLowerCase(), member);
  }
  finish();
}

function addSample(
  path: string,
  shard: number,
  key: string,
  members: Map<string, TarMember>,
  samples: SampleTable,
): void {
  const image = [...members].find(([extension]) => IMAGE_EXTENSIONS.has(extension))?.[1];
  const label = members.get('cls');
  if (!image || !label)
    throw new RevatError(
      'invalid-file',
      `${path}: the sample "${key}" has no ${image ? 'label (.cls)' : 'image'}.`,
    );
  if (label.length > 16) throw new RevatError('invalid-file', `${path}: "${label.name}" is no number.`);
  const text = new TextDecoder()
    .decode(readBytes({ path, offset: label.offset, length: label.length }))
    .trim();
  if (!/^\d+$/.test(text) || Number(text) > MAX_LABEL)
    throw new RevatError('invalid-file', `${path}: "${label.name}" holds "${text}", not a class index.`);
  samples.add(shard, image.offset, image.length, Number(text));
}

/** Columns instead of objects: a million samples take 24 MB. */
class SampleTable {
  private readonly shards: number[] = [];
  private readonly offsets: number[] = [];
  private readonly lengths: number[] = [];
  private readonly labels: number[] = [];

  get length(): number {
    return this.labels.length;
  }

  add(shard: number, offset: number, length: number, label: number): void {
    this.shards.push(shard);
    this.offsets.push(offset);
    this.lengths.push(length);
    this.labels.push(label);
  }

  columns() {
    return {
      shards: Uint32Array.from(this.shards),
      offsets: Float64Array.from(this.offsets),
      lengths: Uint32Array.from(this.lengths),
      labels: Uint32Array.from(this.labels),
    };
  }
}
