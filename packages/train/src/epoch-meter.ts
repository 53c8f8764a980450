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

  get seconds(): number {
    return (performance.now() - this.started) / 1000;
  }

  get imagesPerSecond(): number {
    return (this.steps * this.batchSize) / this.seconds;
  }

  get dataWait(): number {
    return this.waitedMs / 1000 / this.seconds;
  }
}
