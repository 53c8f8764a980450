import { checkImage, type RgbImage } from './rgb-image.js';

/** The mirror image, columns reversed, as a new image. */
export function flipHorizontally(image: RgbImage): RgbImage {
  checkImage(image, 'flipHorizontally');
  const { pixels, width, height } = image;
  const out = new Uint8Array(pixels.length);
  for (let y = 0; y < height; y++) {
    let write = y * width * 3;
    for (let read = write + (width - 1) * 3; write < (y + 1) * width * 3; write += 3, read -= 3) {
      out[write] = pixels[read];
      out[write + 1] = pixels[read + 1];
      out[write + 2] = pixels[read + 2];
    }
  }
  return { pixels: out, width, height };
}
