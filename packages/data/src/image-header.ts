/** What the first bytes of an encoded image tell, without decoding it. */

export type ImageFormat = 'jpeg' | 'png' | 'gif' | 'webp' | 'tiff';

export interface ImageHeader {
  readonly format: ImageFormat;
  /** How the pixels are stored where that decides how to decode them; undefined for formats that need no care. */
  readonly storage?: 'cmyk' | 'gray16';
}

const SIGNATURES: readonly [ImageFormat, readonly (number | undefined)[]][] = [
  ['jpeg', [0xff, 0xd8, 0xff]],
  ['png', [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
  ['gif', [0x47, 0x49, 0x46, 0x38]],
  ['tiff', [0x49, 0x49, 0x2a, 0x00]],
  ['tiff', [0x4d, 0x4d, 0x00, 0x2a]],
  ['webp', [0x52, 0x49, 0x46, 0x46, undefined, undefined, undefined, undefined, 0x57, 0x45, 0x42, 0x50]],
];

/** The header of an encoded image, or undefined if the bytes are none of the formats. */
export function imageHeader(bytes: Uint8Array): ImageHeader | undefined {
  const found = SIGNATURES.find(([, signature]) =>
    signature.every((byte, i) => byte === undefined || bytes[i] === byte),
  );
  if (!found) return undefined;
  const [format] = found;
  if (format === 'jpeg' && jpegComponents(bytes) === 4) return { format, storage: 'cmyk' };
  // IHDR: bit depth and colour type (0 is gray) at bytes 24 and 25.
  if (format === 'png' && bytes[24] === 16 && bytes[25] === 0) return { format, storage: 'gray16' };
  return { format };
}

const START_OF_SCAN = 0xda;

/** The number of components of a JPEG's frame header, or 0 if none is found. */
function jpegComponents(bytes: Uint8Array): number {
  let position = 2;
  while (position + 9 < bytes.length) {
    if (bytes[position] !== 0xff) return 0;
    const marker = bytes[position + 1];
    if (isFrameHeader(marker)) return bytes[position + 9];
    if (marker === START_OF_SCAN) return 0;
    // A marker may be preceded by fill bytes; all others here carry a length.
    position += marker === 0xff ? 1 : 2 + ((bytes[position + 2] << 8) | bytes[position + 3]);
  }
  return 0;
}

/** SOF0 to SOF15, without the tables DHT, JPG and DAC in between. */
function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}
