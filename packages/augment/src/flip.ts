import { mirror } from './pixel-kernels.js';
import { checkImage, type RgbImage } from './rgb-image.js';

/** The mirror image, columns reversed, as a new image. */
export function flipHorizontally(image: RgbImage): RgbImage {
  checkImage(image, 'flipHorizontally');
  return mirror(image);
}
