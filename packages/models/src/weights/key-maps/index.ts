import { facebookConvNeXt, torchvisionConvNeXt } from './convnext.js';
import type { KeyMap } from './key-map.js';
import { earlierSwin } from './swin.js';
import { facebookDeit3, facebookXcit } from './transformers.js';

/** All namings that are understood besides timm's. */
export const KEY_MAPS: readonly KeyMap[] = [
  facebookConvNeXt,
  torchvisionConvNeXt,
  earlierSwin,
  facebookDeit3,
  facebookXcit,
];
