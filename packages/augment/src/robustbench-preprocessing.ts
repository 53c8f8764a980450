import { RevatError } from '@revat/core';

import type { CropOptions } from './augmentation-options.js';

export interface Preprocessing {
  readonly imageSize: number;
  readonly crop: CropOptions;
}

const NAME = /^(Bicubic)?(?:Res(\d{1,4}))?(?:Crop(\d{1,4}))?$/;

/**
 * RobustBench's preprocessing of a name: "Res256Crop224" (shorter side 256, bilinear, centre 224), "BicubicRes256Crop224"
 * (the same, bicubic), "Crop288" (centre 288, not resized), "Res224" (the whole image to 224x224, bilinear), and the same
 * with other sizes. Use it as `createLoader(data, { imageSize, augmentation: { crop } })`. Throws 'unknown-name'.
 */
export function robustbenchPreprocessing(name: string): Preprocessing {
  const [, bicubic, resize, centre] = NAME.exec(name) ?? [];
  const imageSize = Number(centre ?? resize);
  const resizeTo = resize === undefined ? null : Number(resize);
  if (!(imageSize >= 1) || resizeTo === 0)
    throw new RevatError(
      'unknown-name',
      `robustbenchPreprocessing: unknown name "${name}". Use e.g. Res256Crop224, BicubicRes256Crop224, Crop288 or Res224.`,
    );
  const interpolation = bicubic ? 'bicubic' : 'bilinear';
  if (centre === undefined) return { imageSize, crop: { kind: 'stretch', interpolation } };
  return { imageSize, crop: { kind: 'centre', resizeTo, interpolation } };
}
