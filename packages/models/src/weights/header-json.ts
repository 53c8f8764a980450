/**
 * A strict JSON reader for safetensors headers. JSON.parse would keep the last of two equal names silently, put names
 * such as `__proto__` into objects, and accept any nesting; here objects are Maps, a repeated name is an error, and
 * nothing nests deeper than the format itself: {tensor: {field: [integers]}}.
 */
export type HeaderValue = string | number | boolean | null | HeaderValue[] | Map<string, HeaderValue>;

/** Thrown for malformed JSON; the safetensors reader names the file. */
export class HeaderSyntaxError extends Error {}

const DEEPEST = 3;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** Characters that end a plain run inside a string: quote, backslash, control characters. */
const STRING_RUN = /[^"\\\u0000-\u001f]*/y;
const LITERALS: ReadonlyArray<readonly [string, boolean | null]> = [
  ['true', true],
  ['false', false],
  ['null', null],
];
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** Parses one JSON value with nothing but white space around it. Throws HeaderSyntaxError. */
export function parseHeader(text: string): HeaderValue {
  const reader = new HeaderReader(text);
  const value = reader.value(0);
  reader.end();
  return value;
}

class HeaderReader {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  value(depth: number): HeaderValue {
    this.skipSpace();
    const first = this.text[this.at];
    if (first === '"') return this.string();
    if (first === '{' || first === '[') {
      if (depth >= DEEPEST) this.fail('nested too deeply');
      return first === '{' ? this.object(depth + 1) : this.array(depth + 1);
    }
    for (const [word, value] of LITERALS) {
      if (!this.text.startsWith(word, this.at)) continue;
      this.at += word.length;
      return value;
    }
    return this.number();
  }

  end(): void {
    this.skipSpace();
    if (this.at < this.text.length) this.fail('something follows the closing brace');
  }

  private object(depth: number): Map<string, HeaderValue> {
    const entries = new Map<string, HeaderValue>();
    this.at++;
    if (this.take('}')) return entries;
    do {
      this.skipSpace();
      if (this.text[this.at] !== '"') this.fail('expected a quoted name');
      const name = this.string();
      if (entries.has(name)) this.fail(`the name ${JSON.stringify(name)} appears twice`);
      if (!this.take(':')) this.fail('expected ":"');
      entries.set(name, this.value(depth));
    } while (this.take(','));
    if (!this.take('}')) this.fail('expected "," or "}"');
    return entries;
  }

  private array(depth: number): HeaderValue[] {
    const items: HeaderValue[] = [];
    this.at++;
    if (this.take(']')) return items;
    do items.push(this.value(depth));
    while (this.take(','));
    if (!this.take(']')) this.fail('expected "," or "]"');
    return items;
  }

  private string(): string {
    this.at++;
    let value = '';
    for (;;) {
      STRING_RUN.lastIndex = this.at;
      const run = STRING_RUN.exec(this.text)?.[0] ?? '';
      value += run;
      this.at += run.length;
      const stop = this.text[this.at++];
      if (stop === '"') return value;
      if (stop !== '\\') this.fail('unterminated string');
      value += this.escape();
    }
  }

  private escape(): string {
    const kind = this.text[this.at++];
    if (kind !== 'u') return ESCAPES[kind] ?? this.fail('unknown escape in a string');
    const digits = this.text.slice(this.at, this.at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.fail('bad \\u escape in a string');
    this.at += 4;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  private number(): number {
    NUMBER.lastIndex = this.at;
    const digits = NUMBER.exec(this.text)?.[0];
    if (digits === undefined) return this.fail('expected a value');
    this.at += digits.length;
    return Number(digits);
  }

  private take(mark: string): boolean {
    this.skipSpace();
    if (this.text[this.at] !== mark) return false;
    this.at++;
    return true;
  }

  private skipSpace(): void {
    while (' \n\r\t'.includes(this.text[this.at] ?? 'end')) this.at++;
  }

  private fail(what: string): never {
    throw new HeaderSyntaxError(`${what} at character ${Math.min(this.at, this.text.length)}`);
  }
}
