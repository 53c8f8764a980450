import { RevatError } from '@revat/core';

import type { CropOptions } from './augmentation-options.js';

export interface Preprocessing {
  readonly imageSize: number;
  readonly crop: CropOptions;
}

const NAME = /^(Bicubic)?(?:Res(\d{1,4}))?Crop(\d{1,4})$/;

/**
 * RobustBench's preprocessing of a name: "Res256Crop224" (shorter side 256, bilinear, centre 224), "BicubicRes256Crop224"
 * (the same, bicubic), "Crop288" (centre 288, not resized), and any other sizes. Use it as
 * `createLoader(data, { imageSize, augmentation: { crop } })`. Throws 'unknown-name'.
 */
export function robustbenchPreprocessing(name: string): Preprocessing {
  const match = NAME.exec(name);
  const sizes = match ? [match[2] ?? '1', match[3]].map(Number) : [];
  if (!match || sizes.some((size) => size < 1))
    throw new RevatError(
      'unknown-name',
      `robustbenchPreprocessing: unknown name "${name}". Use e.g. Res256Crop224, BicubicRes256Crop224 or Crop288.`,
    );
  return {
    imageSize: sizes[1],
    crop: {
      kind: 'centre',
      resizeTo: match[2] === undefined ? null : sizes[0],
      interpolation: match[1] ? 'bicubic' : 'bilinear',
    },
  };
}
