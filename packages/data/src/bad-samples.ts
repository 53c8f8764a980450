import { RevatError } from '@revat/core';

/** A sample that could not be read. */
export interface BadSample {
  readonly id: number;
  /** The data set's index of the sample. */
  readonly index: number;
  /** What was wrong, naming the file. */
  readonly reason: string;
}

/** The unreadable samples of a run: each listed once, too many of them an error. */
export class BadSamples {
  private readonly byIndex = new Map<number, BadSample>();
  private readonly limit: number;

  constructor(
    private readonly datasetLength: number,
    maxBadShare: number,
    private readonly onBadSample?: (bad: BadSample) => void,
  ) {
    this.limit = maxBadShare === 0 ? 0 : Math.max(1, Math.floor(maxBadShare * datasetLength));
  }

  get list(): readonly BadSample[] {
    return [...this.byIndex.values()];
  }

  has(index: number): boolean {
    return this.byIndex.has(index);
  }

  /** Lists a sample. Throws 'invalid-file' when there are more than the share allows. */
  add(bad: BadSample): void {
    if (this.byIndex.has(bad.index)) return;
    this.byIndex.set(bad.index, bad);
    this.onBadSample?.(bad);
    if (this.byIndex.size <= this.limit) return;
    throw new RevatError(
      'invalid-file',
      `createLoader: ${this.byIndex.size} of ${this.datasetLength} samples are unreadable, more than the ${this.limit} that ` +
        `maxBadShare allows; the latest: ${bad.reason} Check the data set with "revat data check" or raise maxBadShare.`,
      { details: { badSamples: this.list } },
    );
  }
}
