/**
 * The journal of an evaluation: append-only JSON lines. A header with the recipe, then for every chunk of samples one
 * line per sample and a closing line that commits the chunk. What follows the last commit was torn by a kill and is
 * cut off when the journal is opened again. Nothing that varies between two runs (time, host, order of shards) is in it,
 * so an evaluation that was killed and resumed leaves the same bytes as one that ran through.
 */
import { constants } from 'node:fs';
import { open, readFile, type FileHandle } from 'node:fs/promises';
import path from 'node:path';

import { isRevatError, RevatError } from '@revat/core';
import { createFolder } from '@revat/distributed';

const FORMAT = 'revat.journal';
const VERSION = 1;

interface Header {
  readonly journal?: string;
  readonly version?: number;
  readonly recipe?: object;
}

/** One sample's line: at least its stable id. */
export interface SampleRecord {
  readonly sample: number;
}

/** A chunk's closing line. */
export interface CommitRecord {
  readonly commit: number;
  /** sha256 of the chunk's images, labels and ids. */
  readonly input: string;
}

export interface JournaledChunk<S extends SampleRecord, C extends CommitRecord> {
  readonly samples: readonly S[];
  readonly commit: C;
}

export interface Journal<S extends SampleRecord, C extends CommitRecord> {
  /** The chunks that are safe, in order. */
  readonly chunks: readonly JournaledChunk<S, C>[];
  /** Appends a chunk and waits until it is on disk. Throws 'io', or 'mismatch' if another process wrote meanwhile. */
  append(chunk: JournaledChunk<S, C>): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens the journal of this recipe, new or to be continued. Throws 'mismatch' if the file belongs to another recipe (or
 * exists, with `resume: false`), 'invalid-file' if it is broken before its end, 'io' if it cannot be read or written.
 */
export async function openJournal<S extends SampleRecord, C extends CommitRecord>(
  file: string,
  recipe: object,
  { resume = true }: { resume?: boolean } = {},
): Promise<Journal<S, C>> {
  const handle = await openFile(file);
  try {
    const header = headerLine(recipe);
    const content = await handle.readFile();
    if (content.length > 0 && !resume)
      throw new RevatError(
        'mismatch',
        `journal: ${file} already holds an evaluation. Resume it, or choose another output folder.`,
      );
    const { chunks, bytes } = readContent<S, C>(content, header, file);
    await handle.truncate(bytes);
    let size = bytes;
    const write = async (text: string) => {
      size = await appendText(handle, text, size, file);
    };
    if (size === 0) await write(header);
    return {
      chunks,
      append: async ({ samples, commit }) => {
        await write(chunkLines({ samples, commit }));
        chunks.push({ samples, commit });
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Reads a journal without touching it; a torn end is left out. Throws 'not-found', 'io' or 'invalid-file'. */
export async function readJournal<S extends SampleRecord, C extends CommitRecord>(
  file: string,
): Promise<{ recipe: object; chunks: readonly JournaledChunk<S, C>[] }> {
  const content = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw new RevatError(
      cause.code === 'ENOENT' ? 'not-found' : 'io',
      `journal: cannot read ${file}: ${cause.message}. Give the output folder of an evaluation.`,
      { cause },
    );
  });
  const headerEnd = content.indexOf('\n') + 1;
  const header = parseLine<Header>(content.toString('utf8', 0, headerEnd));
  if (header?.journal !== FORMAT || header.version !== VERSION || !header.recipe)
    throw new RevatError('invalid-file', `journal: ${file} is no journal that this package reads.`);
  return { recipe: header.recipe, chunks: readChunks<S, C>(content, headerEnd, file).chunks };
}

/** The text of a whole journal. */
export function journalText(
  recipe: object,
  chunks: readonly JournaledChunk<SampleRecord, CommitRecord>[],
): string {
  return headerLine(recipe) + chunks.map(chunkLines).join('');
}

function headerLine(recipe: object): string {
  return `${JSON.stringify({ journal: FORMAT, version: VERSION, recipe })}\n`;
}

function chunkLines({ samples, commit }: JournaledChunk<SampleRecord, CommitRecord>): string {
  return [...samples, commit].map((line) => `${JSON.stringify(line)}\n`).join('');
}

async function openFile(file: string): Promise<FileHandle> {
  createFolder(path.dirname(file));
  try {
    return await open(file, constants.O_RDWR | constants.O_CREAT, 0o644);
  } catch (cause) {
    throw new RevatError(
      'io',
      `journal: cannot open ${file}: ${(cause as Error).message}. Choose an output folder that you may write to.`,
      { cause },
    );
  }
}

async function appendText(handle: FileHandle, text: string, size: number, file: string): Promise<number> {
  const bytes = Buffer.from(text);
  try {
    if ((await handle.stat()).size !== size)
      throw new RevatError(
        'mismatch',
        `journal: another process writes to ${file}. Give each run its own output folder or shard.`,
      );
    for (let done = 0; done < bytes.length;)
      done += (await handle.write(bytes, done, bytes.length - done, size + done)).bytesWritten;
    await handle.sync();
    return size + bytes.length;
  } catch (cause) {
    if (isRevatError(cause)) throw cause;
    throw new RevatError(
      'io',
      `journal: cannot write ${file}: ${(cause as Error).message}. Free some space and resume.`,
      { cause },
    );
  }
}

/** Committed chunks and the number of bytes up to the last commit (0: not even the header is whole). */
function readContent<S extends SampleRecord, C extends CommitRecord>(
  content: Buffer,
  header: string,
  file: string,
): { chunks: JournaledChunk<S, C>[]; bytes: number } {
  const headerEnd = content.indexOf('\n') + 1;
  if (headerEnd === 0) {
    if (header.startsWith(content.toString('utf8'))) return { chunks: [], bytes: 0 };
    throw new RevatError(
      'invalid-file',
      `journal: ${file} is no journal of revat. Choose another output folder.`,
    );
  }
  checkHeader(content.toString('utf8', 0, headerEnd), header, file);
  return readChunks(content, headerEnd, file);
}

/** The chunks that end before the torn end, and where the last of them ends. */
function readChunks<S extends SampleRecord, C extends CommitRecord>(
  content: Buffer,
  headerEnd: number,
  file: string,
): { chunks: JournaledChunk<S, C>[]; bytes: number } {
  const chunks: JournaledChunk<S, C>[] = [];
  let bytes = headerEnd;
  let torn = 0;
  let samples: S[] = [];
  for (let start = headerEnd, line = 2; start < content.length; line++) {
    const end = content.indexOf('\n', start) + 1;
    if (end === 0) break;
    const entry = parseLine<S | C>(content.toString('utf8', start, end));
    if (entry === null) torn ||= line;
    else if ('commit' in entry) {
      if (torn > 0)
        throw new RevatError(
          'invalid-file',
          `journal: ${file} is damaged in line ${torn}. Start in another folder.`,
        );
      chunks.push({ samples, commit: entry });
      samples = [];
      bytes = end;
    } else samples.push(entry);
    start = end;
  }
  return { chunks, bytes };
}

function parseLine<Line extends object>(text: string): Line | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Line) : null;
  } catch {
    return null;
  }
}

function checkHeader(found: string, wanted: string, file: string): void {
  if (found === wanted) return;
  const { journal, version, recipe } = parseLine<Header>(found) ?? {};
  if (journal !== FORMAT || recipe === undefined)
    throw new RevatError(
      'invalid-file',
      `journal: ${file} is no journal of revat. Choose another output folder.`,
    );
  if (version !== VERSION)
    throw new RevatError(
      'mismatch',
      `journal: ${file} has format version ${version}, this package writes ${VERSION}. Choose another output folder.`,
    );
  const asked = (JSON.parse(wanted) as { recipe: object }).recipe;
  const differences = describeDifferences(recipe, asked);
  throw new RevatError(
    'mismatch',
    `journal: ${file} belongs to another recipe (${differences.slice(0, 3).join('; ')}). ` +
      'Repeat that recipe to resume it, or choose another output folder.',
    { details: { differences } },
  );
}

/** "seed: 0 there, 1 asked" for every leaf that differs. */
function describeDifferences(there: unknown, asked: unknown, where = ''): string[] {
  if (isObject(there) && isObject(asked))
    return [...new Set([...Object.keys(there), ...Object.keys(asked)])].flatMap((key) =>
      describeDifferences(there[key], asked[key], where === '' ? key : `${where}.${key}`),
    );
  const [left, right] = [JSON.stringify(there) ?? 'absent', JSON.stringify(asked) ?? 'absent'];
  return left === right ? [] : [`${where}: ${left} there, ${right} asked`];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
