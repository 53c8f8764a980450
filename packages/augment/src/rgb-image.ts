import { RevatError } from '@revat/core';

/** An 8-bit RGB image: `pixels` holds [height, width, 3] bytes, rows from the top, no padding. */
export interface RgbImage {
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** A rectangle of pixels, edges included on the top left and excluded on the bottom right. */
export interface Box {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** Throws 'mismatch' unless the bytes fit the size; `where` names the caller in the message. */
export function checkImage({ pixels, width, height }: RgbImage, where: string): void {
  if (
    Number.isInteger(width) &&
    Number.isInteger(height) &&
    width > 0 &&
    height > 0 &&
    pixels.length === width * height * 3
  )
    return;
  throw new RevatError(
    'mismatch',
    `${where}: an image of ${width}x${height} needs ${width * height * 3} RGB bytes, got ${pixels.length}. ` +
      'Give width, height >= 1 and three bytes a pixel.',
  );
}

/** Throws 'invalid-argument' unless the box lies inside a width x height image and is not empty. */
export function checkBox(box: Box, width: number, height: number, where: string): void {
  const { top, left } = box;
  const whole = [top, left, box.height, box.width].every(Number.isInteger);
  const inside = top >= 0 && left >= 0 && top + box.height <= height && left + box.width <= width;
  if (whole && inside && box.width > 0 && box.height > 0) return;
  throw new RevatError(
    'invalid-argument',
    `${where}: the box (top ${top}, left ${left}, height ${box.height}, width ${box.width}) ` +
      `does not lie inside an image of ${width}x${height}.`,
  );
}
