import type { RecipeInput } from '../recipe.js';

export interface QuickstartOptions {
  /** 'conv': the paper's ConvStem; 'patch': non-overlapping 4x4 patches. Default 'conv'. */
  readonly stem?: 'conv' | 'patch';
  readonly seed?: number;
}

/** Radius of the adversarial training; the fine-tuning goes to twice this, as the paper goes from 4/255 to 8/255. */
export const QUICKSTART_EPS = 0.075;

/** Crops are mild in the adversarial stages: robust training of small networks has no capacity to spare. */
const ADVERSARIAL_AUGMENTATION = { crop: { kind: 'random-resized', scale: [0.75, 1], ratio: [0.9, 1.1] } };

/**
 * The paper's pipeline on 1297 handwritten digits within minutes: clean pre-training with heavy augmentation, adversarial
 * training with 2-step APGD in Linf, fine-tuning to twice the radius, of a small ConvNeXt at 32x32.
 */
export function quickstartRecipe({ stem = 'conv', seed = 0 }: QuickstartOptions = {}): RecipeInput {
  const adversarial = {
    batchSize: 64,
    weightDecay: 0.05,
    averageDecay: 0.99,
    augmentation: ADVERSARIAL_AUGMENTATION,
  };
  return {
    name: `quickstart-${stem}`,
    description:
      'Handwritten digits, small ConvNeXt: clean, adversarial (Linf 0.075), fine-tuned (Linf 0.15)',
    seed,
    data: { name: 'digits', imageSize: 32 },
    model: { name: 'convnext_micro', stem, depths: [1, 1, 1], dims: [16, 48, 96], numClasses: 10 },
    validation: { images: 100, eps: 2 * QUICKSTART_EPS, steps: 5 },
    stages: [
      {
        name: 'clean',
        epochs: 8,
        batchSize: 64,
        learningRate: 3e-3,
        warmupEpochs: 1,
        augmentation: 'digits',
      },
      {
        name: 'adversarial',
        epochs: 16,
        learningRate: 3e-3,
        warmupEpochs: 1,
        ...adversarial,
        attack: { norm: 'Linf', eps: QUICKSTART_EPS, steps: 2, ramp: 0.3 },
      },
      {
        name: 'fine-tuned',
        epochs: 16,
        learningRate: 2e-3,
        warmupEpochs: 1,
        ...adversarial,
        attack: { norm: 'Linf', eps: 2 * QUICKSTART_EPS, steps: 2, ramp: 0.3 },
      },
    ],
  };
}
