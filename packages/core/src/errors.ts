/** What kind of thing went wrong: decides the exit code and lets callers branch without parsing messages. */
export type RevatErrorCode =
  /** An option or argument is missing, of the wrong kind, or out of range. */
  | 'invalid-argument'
  /** A name that no registry knows: an attack, a model, a stem, a data set, a backend. */
  | 'unknown-name'
  /** A file, folder or checkpoint is absent. */
  | 'not-found'
  /** A file is there but broken, malicious or of another kind than it claims. */
  | 'invalid-file'
  /** Two things that must fit together do not: shapes, recipes, checkpoints. */
  | 'mismatch'
  /** Something that needs another package, device or provider that is not there. */
  | 'unavailable'
  /** Reading or writing failed: permission, no space, network. */
  | 'io'
  /** The model misbehaves: NaN logits, wrong output shape. */
  | 'bad-model'
  /** The engine could not compute: unsupported graph, out of memory. */
  | 'engine'
  /** The caller's AbortSignal fired. */
  | 'aborted';

/**
 * The one error class of revat. A message says what was wrong, where, and what to do:
 * `apgd: eps must be > 0, got -0.03. Give it in input units, e.g. 8/255.`
 */
export class RevatError extends Error {
  override readonly name = 'RevatError';
  readonly code: RevatErrorCode;
  /** Machine-readable facts about the failure, e.g. the offending shape. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: RevatErrorCode,
    message: string,
    { cause, details = {} }: { cause?: unknown; details?: Record<string, unknown> } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = Object.freeze({ ...details });
  }
}

/** Whether a value is a RevatError, also one made by another copy of this package. */
export function isRevatError(value: unknown): value is RevatError {
  return value instanceof Error && value.name === 'RevatError' && 'code' in value;
}

/** Throws a RevatError with code 'aborted' if the signal has fired; `where` names the work that stopped. */
export function throwIfAborted(signal: AbortSignal | undefined, where: string): void {
  if (signal?.aborted) throw new RevatError('aborted', `${where}: aborted.`, { cause: signal.reason });
}
