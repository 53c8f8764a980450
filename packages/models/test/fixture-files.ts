import { readFileSync } from 'node:fs';
import path from 'node:path';

const FIXTURES = path.join(__dirname, 'fixtures');

/** Path of a file below test/fixtures. */
export function fixture(...parts: string[]): string {
  return path.join(FIXTURES, ...parts);
}

/** A JSON file below test/fixtures. */
export function fixtureJson<Content>(...parts: string[]): Content {
  return JSON.parse(readFileSync(fixture(...parts), 'utf8')) as Content;
}

export interface CheckpointCase {
  readonly file: string;
  readonly what: string;
  readonly expected: string;
  readonly expected_ema?: string;
  readonly normalisation?: string;
  readonly state_dict_at: string;
  readonly strip_prefix: string;
}

export interface HostileCase {
  readonly file: string;
  readonly what: string;
  readonly expected: string;
}
