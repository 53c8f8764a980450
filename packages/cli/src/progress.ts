import { SingleBar } from 'cli-progress';

/** Progress of long work: a bar with rate and time left on a terminal, plain lines elsewhere. */
export interface Progress {
  /** Begins a task of `total` units; `unit` is the plural noun of the rate, e.g. "images". */
  start(task: string, total: number, unit: string): void;
  /** Units done so far, and a note shown behind the numbers. */
  update(done: number, note?: string): void;
  /** Ends the task. */
  stop(): void;
  /** A line of its own, above the bar. */
  line(text: string): void;
}

/** Where no terminal watches, a task is reported at most this often. */
const LINE_INTERVAL_MS = 15_000;
const NOTE_WIDTH = 44;

/** Progress on standard error, so that standard output carries results alone. */
export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  return stream.isTTY ? new BarProgress(stream) : new LineProgress(stream);
}

/** "1:05" or "1:02:05" for seconds. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${two(whole % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}

function rateAndTimeLeft(done: number, total: number, seconds: number): { rate: number; left: string } {
  const rate = seconds > 0 ? done / seconds : 0;
  return { rate, left: rate > 0 ? formatDuration((total - done) / rate) : '?' };
}

const formatRate = (rate: number) => (rate >= 100 ? rate.toFixed(0) : rate.toPrecision(2));

class BarProgress implements Progress {
  private readonly stream: NodeJS.WriteStream;
  private bar: SingleBar | undefined;
  private started = 0;
  private total = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.stream = stream;
  }

  start(task: string, total: number, unit: string): void {
    this.stop();
    this.started = performance.now();
    this.total = total;
    this.bar = new SingleBar({
      stream: this.stream,
      format: `${task.padEnd(26)} {bar} {percentage}% · {rate} ${unit}/s · {left} left · {note}`,
      barsize: 24,
      barCompleteChar: '█',
      barIncompleteChar: '░',
      hideCursor: true,
      fps: 5,
      linewrap: false,
      gracefulExit: false,
    });
    this.bar.start(total, 0, { rate: '-', left: '?', note: '' });
  }

  update(done: number, note = ''): void {
    const { rate, left } = rateAndTimeLeft(done, this.total, (performance.now() - this.started) / 1000);
    this.bar?.update(Math.min(done, this.total), {
      rate: formatRate(rate),
      left,
      note: note.slice(0, NOTE_WIDTH),
    });
  }

  stop(): void {
    this.bar?.stop();
    this.bar = undefined;
  }

  line(text: string): void {
    this.stop();
    this.stream.write(`${text}\n`);
  }
}

class LineProgress implements Progress {
  private readonly stream: NodeJS.WriteStream;
  private task = '';
  private unit = '';
  private total = 0;
  private started = 0;
  private lastLine = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.stream = stream;
  }

  start(task: string, total: number, unit: string): void {
    this.task = task;
    this.total = total;
    this.unit = unit;
    this.started = this.lastLine = performance.now();
  }

  update(done: number, note = ''): void {
    const now = performance.now();
    if (this.task === '' || now - this.lastLine < LINE_INTERVAL_MS) return;
    this.lastLine = now;
    const { rate, left } = rateAndTimeLeft(done, this.total, (now - this.started) / 1000);
    const share = Math.floor((100 * done) / this.total);
    const suffix = note === '' ? '' : `, ${note}`;
    this.line(`${this.task}: ${share} %, ${formatRate(rate)} ${this.unit}/s, ${left} left${suffix}`);
  }

  stop(): void {
    this.task = '';
  }

  line(text: string): void {
    this.stream.write(`${text}\n`);
  }
}
