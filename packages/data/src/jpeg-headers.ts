/** The headers of a baseline JPEG file (ITU-T T.81), as far as `decodeBaselineJpeg` handles it. */

export interface JpegComponent {
  readonly id: number;
  /** Sampling factors. */
  readonly horizontal: number;
  readonly vertical: number;
  /** 64 divisors in zigzag order. */
  readonly quantization: Uint16Array;
  readonly dcTable: HuffmanTable;
  readonly acTable: HuffmanTable;
}

/** The numbers of codes of each length, 1 to 16 bits, and then the symbols in the order of their codes. */
export type HuffmanTable = Uint8Array;

export interface JpegHeaders {
  readonly width: number;
  readonly height: number;
  readonly components: readonly JpegComponent[];
  /** First byte of the entropy-coded data. */
  readonly scanStart: number;
}

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly components: { id: number; horizontal: number; vertical: number; quantizationId: number }[];
}

/** The second byte of a marker (Table B.1). */
const MARKERS = {
  baselineFrame: 0xc0,
  extendedFrame: 0xc1,
  huffmanTables: 0xc4,
  startOfImage: 0xd8,
  startOfScan: 0xda,
  quantizationTables: 0xdb,
  restartInterval: 0xdd,
  firstApplication: 0xe0,
  adobeApplication: 0xee,
  lastApplication: 0xef,
  comment: 0xfe,
} as const;

/** The headers up to the scan, or undefined for any file that is not an ordinary YCbCr or gray baseline JPEG in one scan. */
export function jpegHeaders(bytes: Uint8Array): JpegHeaders | undefined {
  if (bytes[0] !== 0xff || bytes[1] !== MARKERS.startOfImage) return undefined;
  const quantizations = new Map<number, Uint16Array>();
  const tables = new Map<number, HuffmanTable>();
  let frame: Frame | undefined;
  let position = 2;
  while (position + 4 <= bytes.length && bytes[position] === 0xff) {
    const marker = bytes[position + 1];
    const length = (bytes[position + 2] << 8) | bytes[position + 3];
    const start = position + 4;
    const end = position + 2 + length;
    if (length < 2 || end > bytes.length) return undefined;
    const segment = bytes.subarray(start, end);
    if (marker === MARKERS.startOfScan)
      return frame && scanHeaders(segment, frame, quantizations, tables, end);
    let understood = true;
    if (marker === MARKERS.quantizationTables) understood = readQuantizations(segment, quantizations);
    else if (marker === MARKERS.huffmanTables) understood = readHuffmanTables(segment, tables);
    else if (marker === MARKERS.restartInterval) understood = segment[0] === 0 && segment[1] === 0;
    // Adobe's marker may say that the colours are not YCbCr.
    else if (marker === MARKERS.adobeApplication) understood = segment[11] === 1;
    else if (marker === MARKERS.baselineFrame || marker === MARKERS.extendedFrame) {
      understood = frame === undefined;
      frame = readFrame(segment);
    } else
      understood =
        marker === MARKERS.comment ||
        (marker >= MARKERS.firstApplication && marker <= MARKERS.lastApplication);
    if (!understood) return undefined;
    position = end;
  }
  return undefined;
}

function readQuantizations(segment: Uint8Array, quantizations: Map<number, Uint16Array>): boolean {
  let position = 0;
  while (position < segment.length) {
    const wide = segment[position] >> 4 === 1;
    const bytes = wide ? 128 : 64;
    if (segment[position] >> 4 > 1 || position + 1 + bytes > segment.length) return false;
    const values = new Uint16Array(segment.subarray(position + 1, position + 65));
    if (wide)
      for (let k = 0, at = position + 1; k < 64; k++, at += 2)
        values[k] = (segment[at] << 8) | segment[at + 1];
    quantizations.set(segment[position] & 15, values);
    position += 1 + bytes;
  }
  return true;
}

function readHuffmanTables(segment: Uint8Array, tables: Map<number, HuffmanTable>): boolean {
  let position = 0;
  while (position + 17 <= segment.length) {
    let symbolCount = 0;
    for (let length = 1; length <= 16; length++) symbolCount += segment[position + length];
    const end = position + 17 + symbolCount;
    if (end > segment.length || symbolCount > 256) return false;
    tables.set(segment[position], segment.subarray(position + 1, end));
    position = end;
  }
  return position === segment.length;
}

function readFrame(segment: Uint8Array): Frame | undefined {
  const precision = segment[0];
  const height = (segment[1] << 8) | segment[2];
  const width = (segment[3] << 8) | segment[4];
  const count = segment[5];
  if (precision !== 8 || width === 0 || height === 0 || segment.length !== 6 + 3 * count) return undefined;
  const components: Frame['components'] = [];
  for (let at = 6; at < segment.length; at += 3) {
    const sampling = segment[at + 1];
    components.push({
      id: segment[at],
      horizontal: sampling >> 4,
      vertical: sampling & 15,
      quantizationId: segment[at + 2],
    });
  }
  return { width, height, components };
}

/** What libjpeg takes for RGB: components with these letters for names. */
const RGB_IDS = [82, 71, 66];

function scanHeaders(
  segment: Uint8Array,
  { width, height, components }: Frame,
  quantizations: Map<number, Uint16Array>,
  tables: Map<number, HuffmanTable>,
  scanStart: number,
): JpegHeaders | undefined {
  if (segment[0] !== components.length || segment.length !== 4 + 2 * components.length) return undefined;
  if (components.length === 3 && components.every(({ id }, i) => id === RGB_IDS[i])) return undefined;
  const resolved: JpegComponent[] = [];
  for (let i = 0; i < components.length; i++) {
    const { id, horizontal, vertical, quantizationId } = components[i];
    const tableIds = segment[2 + 2 * i];
    const quantization = quantizations.get(quantizationId);
    const dcTable = tables.get(tableIds >> 4);
    const acTable = tables.get(0x10 | (tableIds & 15));
    if (segment[1 + 2 * i] !== id || !quantization || !dcTable || !acTable) return undefined;
    resolved.push({ id, horizontal, vertical, quantization, dcTable, acTable });
  }
  return { width, height, components: resolved, scanStart };
}
