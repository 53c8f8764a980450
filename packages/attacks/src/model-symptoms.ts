import type { Finding } from './finding.js';
import type { Sample } from './sample.js';

/** What the model doctor can say: each symptom with its consequence and its fix. */

/** Rows within [0,1] that sum to one, on all samples; null if they do not. */
export function probabilities(samples: readonly Pick<Sample, 'cleanLogits'>[]): Finding | null {
  const isDistribution = ({ cleanLogits }: Pick<Sample, 'cleanLogits'>) =>
    cleanLogits.every((value) => value >= 0 && value <= 1) &&
    Math.abs(cleanLogits.reduce((sum, value) => sum + value, 0) - 1) < 1e-3;
  if (!samples.every(isDistribution)) return null;
  return {
    code: 'probabilities',
    severity: 'warning',
    message: `The model returns probabilities: on ${samples.length} images every row lies in [0, 1] and sums to 1.`,
    consequence:
      'A softmax saturates: gradients vanish where the model is confident, and robustness is overestimated.',
    fix: 'Attack the logits: remove the last softmax, or wrap the model with adaptModel(model, { outputs: "probabilities" }), which takes logarithms.',
  };
}

export function fewClasses(numClasses: number): Finding | null {
  if (numClasses >= 4) return null;
  return {
    code: 'few-classes',
    severity: 'info',
    message: `The model has ${numClasses} classes; DLR is defined for 3 or more, targeted DLR for 4 or more.`,
    consequence:
      'Attacks use the difference of two logits in their place, and at most as many targets as there are other classes.',
    fix: 'Nothing to do; state it when you report the result.',
  };
}

export function randomModel(): Finding {
  return {
    code: 'random-model',
    severity: 'warning',
    message: 'The model gives different logits for the same images.',
    consequence:
      'Gradients are noisy and single predictions decide by luck: robustness is overestimated or not reproducible.',
    fix: 'Switch off dropout and random preprocessing, or use autoAttack({ version: "rand" }).',
  };
}

export function batchDependence(): Finding {
  return {
    code: 'batch-dependence',
    severity: 'error',
    message: 'The logits of an image change with the other images of its batch.',
    consequence: 'An adversarial image may be one only in its batch; results depend on the batch size.',
    fix: 'Evaluate in inference mode: batch normalisation must use its running statistics.',
  };
}

/** Images whose gradient of cross-entropy is zero; of them, those whose logits do not depend on the image either. */
export function zeroGradients(crossEntropy: number, margin: number, images: number): Finding {
  const saturated = margin === 0;
  return {
    code: 'zero-gradients',
    severity: 'warning',
    message: saturated
      ? `Cross-entropy has a zero gradient for ${crossEntropy} of ${images} images, the logits do not: the predictions are saturated.`
      : `The logits have a zero gradient for ${margin} of ${images} images, cross-entropy for ${crossEntropy}.`,
    consequence: saturated
      ? 'Attacks on cross-entropy do not move for these images; those on DLR and margins do.'
      : 'White-box attacks cannot move: robustness is overestimated, often grossly.',
    fix: saturated
      ? 'Trust DLR and margin attacks (AutoAttack has both), or divide the logits by a constant before attacking.'
      : 'Look for rounding, thresholds, saturated activations or a softmax; attack a differentiable approximation (BPDA) and rely on Square.',
  };
}

export function noGradient(message: string): Finding {
  return {
    code: 'zero-gradients',
    severity: 'error',
    message,
    consequence: 'No attack with gradients can run.',
    fix: 'Replace the operation by a differentiable one, or attack with square only.',
  };
}

export function inputRange(accuracy: number, otherAccuracy: number, options: string): Finding {
  return {
    code: 'input-range',
    severity: 'error',
    message: `The model classifies ${percent(accuracy)} of the clean images correctly, but ${percent(otherAccuracy)} with ${options}.`,
    consequence: 'The model gets pixels in a range that it was not trained on; its robustness says nothing.',
    fix: `Wrap it: adaptModel(model, ${options}).`,
  };
}

export function lowAccuracy(accuracy: number, images: number): Finding {
  return {
    code: 'low-clean-accuracy',
    severity: 'warning',
    message: `The model classifies only ${percent(accuracy)} of ${images} clean images correctly.`,
    consequence:
      'Robust accuracy is at most that; often labels, their order, the pixel range or the layout are wrong.',
    fix: 'Check the labels and what the model expects as input: adaptModel({ inputRange, preprocess, layout }).',
  };
}

export function layout(shape: readonly number[]): Finding {
  return {
    code: 'layout',
    severity: 'error',
    message: `The model fails on images [${shape.join(',')}] (NHWC) and works when they are transposed to NCHW.`,
    consequence: 'It cannot be attacked as it is.',
    fix: 'Wrap it: adaptModel(model, { layout: "NCHW" }).',
  };
}

function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)} %`;
}
