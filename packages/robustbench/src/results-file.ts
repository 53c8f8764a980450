import { readFile } from 'node:fs/promises';

import { describeSchemaError, RevatError } from '@revat/core';
import { writeJsonAtomically } from '@revat/distributed';

import { RESULTS_VERSION, resultsSchema, type Results } from './results.js';

/** More than any honest run writes; a larger file is refused before it is parsed. */
const MAX_BYTES = 64 * 2 ** 20;

/**
 * Reads and validates a `results.json`. Throws 'not-found', 'io', or 'invalid-file' with the path of the offending
 * field; a file written by a newer schema version is refused by name.
 */
export async function readResults(file: string): Promise<Results> {
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (cause) {
    const absent = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new RevatError(
      absent ? 'not-found' : 'io',
      absent
        ? `results: ${file} does not exist. Give the results.json of a run folder.`
        : `results: cannot read ${file}: ${(cause as Error).message}.`,
      { cause },
    );
  }
  return parseResults(content, file);
}

/** Parses and validates the text of a `results.json`; `name` stands for it in errors. Throws 'invalid-file'. */
export function parseResults(content: string, name = 'results.json'): Results {
  if (content.length > MAX_BYTES)
    throw new RevatError('invalid-file', `${name}: larger than 64 MiB, which no results.json is.`);
  let document: unknown;
  try {
    document = JSON.parse(content);
  } catch (cause) {
    throw new RevatError(
      'invalid-file',
      `${name}: is not JSON (${(cause as Error).message}). It may be cut off: run the evaluation again.`,
      { cause },
    );
  }
  return validateResults(document, name);
}

/** The document as Results, or 'invalid-file' naming the first field that is wrong. */
export function validateResults(document: unknown, name = 'results'): Results {
  refuseOtherVersions(document, name);
  const checked = resultsSchema.safeParse(document);
  if (!checked.success)
    throw new RevatError('invalid-file', `${name}: ${describeSchemaError(checked.error, document)}.`, {
      cause: checked.error,
    });
  checkReferences(checked.data, name);
  return checked.data;
}

/** Validates and writes `results.json` atomically: a reader sees the old file or the new one. */
export async function writeResults(file: string, results: Results): Promise<void> {
  validateResults(results);
  writeJsonAtomically(file, results);
}

function refuseOtherVersions(document: unknown, name: string): void {
  const { schema, version } = (document ?? {}) as { schema?: unknown; version?: unknown };
  if (schema !== 'revat.results')
    throw new RevatError(
      'invalid-file',
      `${name}: is not a revat results file (no "schema": "revat.results").`,
    );
  if (typeof version === 'number' && version > RESULTS_VERSION)
    throw new RevatError(
      'invalid-file',
      `${name}: has schema version ${version}, this package reads up to ${RESULTS_VERSION}. Update @revat/robustbench.`,
    );
}

/** Counts and cross references that the shape alone cannot express. */
function checkReferences(results: Results, name: string): void {
  const models = new Set(results.models.map(({ id }) => id));
  const threatModels = new Set(results.threatModels.map(({ id }) => id));
  const known = (id: string, ids: Set<string>, where: string) => {
    if (!ids.has(id))
      throw new RevatError('invalid-file', `${name}: ${where} names "${id}", which the file does not hold.`);
  };
  const fits = (correct: number, total: number, where: string) => {
    if (correct > total)
      throw new RevatError(
        'invalid-file',
        `${name}: ${where}: ${correct} of ${total} images is more than all.`,
      );
  };
  results.models.forEach((model, m) => {
    fits(model.clean.correct, model.clean.total, `models[${m}].clean`);
    model.threats.forEach((threat, t) => {
      const where = `models[${m}].threats[${t}]`;
      known(threat.threatModel, threatModels, `${where}.threatModel`);
      fits(threat.robust.correct, threat.robust.total, `${where}.robust`);
      for (const attack of threat.attacks) fits(attack.robust, threat.robust.total, `${where}.attacks`);
    });
  });
  results.radiusCurves.forEach((curve, c) => {
    known(curve.model, models, `radiusCurves[${c}].model`);
    for (const point of curve.points) fits(point.robust, curve.total, `radiusCurves[${c}].points`);
  });
  results.pictures.forEach((picture, p) => {
    known(picture.model, models, `pictures[${p}].model`);
    known(picture.threatModel, threatModels, `pictures[${p}].threatModel`);
  });
}
