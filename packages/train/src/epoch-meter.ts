/** Throughput of one epoch and the share of it spent waiting for data; of a resumed epoch, its part since then. */
export class EpochMeter {
  private readonly started = performance.now();
  private readonly batchSize: number;
  private steps = 0;
  private waitedMs = 0;

  constructor(batchSize: number) {
    this.batchSize = batchSize;
  }

  /** Counts a step whose batch was waited for that long. */
  add(waitedMs: number): void {
    this.steps++;
    this.waitedMs += waitedMs;
  }

  get imagesPerSecond(): number {
    return (this.steps * this.batchSize * 1000) / (performance.now() - this.started);
  }

  get dataWait(): number {
    return this.waitedMs / (performance.now() - this.started);
  }
}
