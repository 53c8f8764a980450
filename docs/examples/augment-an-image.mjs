// Augments one digit in several ways. Everything is seeded: run it twice and nothing changes.
import { createAugmentation, parseRandAugment, randAugment, rotate, seededDraws } from '@revat/augment';
import { digits } from '@revat/data';

const image = await digits({ imageSize: 32 }).sample(0);

// One operation with an explicit argument; pixels as Pillow gives them.
const turned = rotate(image, 30, { interpolation: 'bicubic' });
show(`a ${image.label}, turned by 30 degrees`, turned);

// timm's RandAugment, from timm's string. The draws depend on seed, purpose, epoch and sample id alone.
const options = parseRandAugment('rand-m9-mstd0.5-inc1');
show('after RandAugment', randAugment(image, options, seededDraws(0, 'augment', 0, image.id)));

// A whole scheme: crop, RandAugment, then floats with random erasing.
const augmentation = createAugmentation('digits', 32);
const floats = new Float32Array(32 * 32 * 3);
augmentation.image(image, seededDraws(0, 'augment', 1, image.id), floats);
const mean = floats.reduce((sum, value) => sum + value, 0) / floats.length;
console.log(`after the "digits" scheme: ${floats.length} floats, mean ${mean.toFixed(3)}`);

/** Prints every other row and column as characters from dark to bright. */
function show(title, { pixels, width, height }) {
  console.log(title);
  for (let y = 0; y < height; y += 2) {
    const row = Array.from({ length: width }, (_, x) => ' .:+*#@@'[pixels[(y * width + x) * 3] >> 5]);
    console.log(row.join(''));
  }
}
