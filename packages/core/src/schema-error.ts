/** What a schema library found wrong with a document. zod's errors are of this kind; core itself needs no such library. */
export interface SchemaError {
  readonly issues: readonly SchemaIssue[];
}

/** One thing that is wrong: where, and the library's words for it. */
export interface SchemaIssue {
  /** zod's name of the kind of issue, e.g. "invalid_type". */
  readonly code?: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Kinds whose words already name what was got: those of our own checks, and keys that the schema does not know. */
const TELLS_ALL: readonly (string | undefined)[] = ['custom', 'unrecognized_keys'];

const LONGEST_VALUE = 60;

/**
 * The first issue of a document in one line, for the message of a RevatError: the path to the bad value, what is wanted and
 * what was got, e.g. `models[1].clean.accuracy: expected number to be <=1, got 1.2`. Without a full stop.
 *
 * @param error what the schema found, at least one issue
 * @param document the value that was checked
 */
export function describeSchemaError({ issues }: SchemaError, document: unknown): string {
  const [{ code, path, message }] = issues;
  const got = TELLS_ALL.includes(code) ? '' : `, got ${shorten(valueAt(document, path))}`;
  return `${pathText(path)}: ${wantedText(message)}${got}`;
}

/** The words without zod's headings, without the type of what it got (the value says more), and without a full stop. */
function wantedText(message: string): string {
  return message
    .replace(/^(Invalid (input|option)|Too (big|small)): /, '')
    .replace(/, received .*$/, '')
    .replace(/\.$/, '');
}

function pathText(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'the document';
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
}

function valueAt(document: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key],
    document,
  );
}

function shorten(value: unknown): string {
  if (value === undefined) return 'nothing';
  // JSON would call NaN and Infinity null, and has no functions (for which it gives undefined).
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? `a ${typeof value}`);
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE - 3)}...` : text;
}
