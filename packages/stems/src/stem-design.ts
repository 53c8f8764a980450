import { RevatError } from '@revat/core';

/** One convolution of a stem, followed by LayerNorm over channels and GELU. */
export interface StemLayer {
  readonly kernel: number;
  readonly stride: number;
  readonly channels: number;
  /** Zeros on every side; default floor(kernel / 2). */
  readonly padding?: number;
}

/** A ConvStem in absolute numbers. */
export interface StemDesign {
  readonly layers: readonly StemLayer[];
  /** A last 1x1 convolution with bias to the network's width, with nothing after it (ViT, isotropic ConvNeXt). */
  readonly projection: boolean;
}

/**
 * How a stem is asked for. A name: `native` (as the family was published), `patch`, `conv` (the family's ConvStem) or one of
 * the paper's tables (`PAPER_STEMS`). A named stem of another base width N, with other strides, one a convolution, or with or without the last 1x1 convolution. Or every layer in numbers.
 */
export type StemOption =
  | string
  | {
      readonly name: string;
      readonly width?: number;
      readonly strides?: readonly number[];
      readonly projection?: boolean;
    }
  | { readonly layers: readonly StemLayer[]; readonly projection?: boolean };

/** A design of the paper: channels in multiples of the base width N. */
export interface PaperStem {
  /** As printed in the paper. */
  readonly notation: string;
  readonly table: 7 | 8 | 9;
  /** 'patch': the patch stem of the family. */
  readonly layers: 'patch' | readonly { kernel: number; stride: number; multiple: number }[];
  /** N where the last convolution is as wide as the network: this fraction of that width. Otherwise 48. */
  readonly widthFraction?: number;
  readonly projection: boolean;
  /** Giga-FLOPs of the network with this stem, as printed; Table 8 has none. */
  readonly printedFlops?: string;
}

const conv = (kernel: number, stride: number, multiple: number) => ({ kernel, stride, multiple });

/** Table 7 is written in halves of the width D: N = D / 2. */
function table7(notation: string, printedFlops: string, layers: PaperStem['layers']): PaperStem {
  return { notation, table: 7, layers, widthFraction: 1 / 2, projection: false, printedFlops };
}

/** Table 8: N = 64 at D = 128. */
function table8(notation: string, layers: PaperStem['layers']): PaperStem {
  return { notation, table: 8, layers, widthFraction: 1 / 2, projection: false };
}

/** Table 9: N = 48 at any width; the printed FLOPs hold only with a final 1x1 convolution, as in the released models. */
function table9(notation: string, printedFlops: string, layers: PaperStem['layers']): PaperStem {
  return { notation, table: 9, layers, projection: layers !== 'patch', printedFlops };
}

/** Every stem of Tables 7 (ConvNeXt-T), 8 (ConvNeXt-B) and 9 (ViT-S) of the paper, by the name to give as `stem`. */
export const PAPER_STEMS: Readonly<Record<string, PaperStem>> = {
  'table7-conv4s4': table7('Conv4,4, L', '4.49', 'patch'),
  'table7-conv7s4': table7('Conv7,4, L, G', '4.50', [conv(7, 4, 2)]),
  'table7-conv7s4-conv3s1': table7('Conv7,4, L, G, Conv3,1, L, G', '4.63', [conv(7, 4, 1), conv(3, 1, 2)]),
  // The channels of the third row are not in the paper, and neither reading gives its FLOPs; this is the other one.
  'table7-conv7s4-conv3s1-wide': table7('Conv7,4, L, G, Conv3,1, L, G', '4.63', [
    conv(7, 4, 2),
    conv(3, 1, 2),
  ]),
  'table7-conv7s2-conv3s2': table7('Conv7,2, L, G, Conv3,2, L, G', '4.66', [conv(7, 2, 1), conv(3, 2, 2)]),
  'table7-conv5s2-conv3s2': table7('Conv5,2, L, G, Conv3,2, L, G', '4.62', [conv(5, 2, 1), conv(3, 2, 2)]),
  'table7-conv3s2-conv3s2': table7('Conv3,2, L, G, Conv3,2, L, G', '4.59', [conv(3, 2, 1), conv(3, 2, 2)]),
  'table8-p1': table8('PatchStem', 'patch'),
  'table8-c1': table8('N*-2N*', [conv(3, 2, 1), conv(3, 2, 2)]),
  'table8-c2': table8('N*-1.5N*-2N', [conv(3, 2, 1), conv(3, 2, 1.5), conv(3, 1, 2)]),
  'table9-p1': table9('PatchStem', '4.61', 'patch'),
  'table9-c1': table9('N*-2N*-4N*-8N*', '4.99', [conv(3, 2, 1), conv(3, 2, 2), conv(3, 2, 4), conv(3, 2, 8)]),
  'table9-c2': table9('N*-N*-N*-8N*', '4.71', [conv(3, 2, 1), conv(3, 2, 1), conv(3, 2, 1), conv(3, 2, 8)]),
  'table9-c3': table9('N**-8N**', '4.78', [conv(7, 4, 1), conv(7, 4, 8)]),
  'table9-c4': table9('N**-2N*-4N*-8N', '4.84', [conv(7, 4, 1), conv(3, 2, 2), conv(3, 2, 4), conv(3, 1, 8)]),
  'table9-c5': table9('N**-2N**-4N-8N', '4.81', [conv(7, 4, 1), conv(7, 4, 2), conv(3, 1, 4), conv(3, 1, 8)]),
};

/** What a family asks of a stem. */
export interface StemRequirements {
  /** The family, for messages. */
  readonly family: string;
  /** Width of the stem's output. */
  readonly channels: number;
  /** Product of the strides of the unchanged network. */
  readonly stride: number;
  /** The name that `conv` stands for; 'native' where the family's own stem is convolutional. */
  readonly convStem: string;
  /** What `native` stands for where the family has no stem of its own kind. */
  readonly nativeStem?: 'patch';
}

/**
 * The layers of a stem, or 'patch' or 'native' for the family's own of that name.
 * Throws RevatError 'unknown-name' for an unknown name and 'mismatch' if the stem's stride or width does not fit.
 */
export function resolveStem(
  option: StemOption,
  requirements: StemRequirements,
): StemDesign | 'patch' | 'native' {
  requireStemOption(option, requirements.family);
  if (typeof option === 'object' && 'layers' in option) {
    const design = { layers: option.layers, projection: option.projection ?? false };
    return checked(design, 'explicit', requirements, true);
  }
  const choice = typeof option === 'string' ? { name: option } : option;
  const { name, width, strides } = choice;
  const key = name === 'conv' ? requirements.convStem : name;
  if (key === 'native') return requirements.nativeStem ?? 'native';
  if (key === 'patch') return 'patch';
  const paperStem = Object.hasOwn(PAPER_STEMS, key) ? PAPER_STEMS[key] : undefined;
  if (!paperStem) throw unknownStem(name, requirements.family);
  if (paperStem.layers === 'patch') return 'patch';
  const { layers } = paperStem;
  const projection = choice.projection ?? paperStem.projection;
  const base = width ?? (paperStem.widthFraction ? requirements.channels * paperStem.widthFraction : 48);
  if (strides && strides.length !== layers.length) {
    throw new RevatError(
      'invalid-argument',
      `${requirements.family}: stem '${name}' has ${layers.length} convolutions, got ${strides.length} strides.`,
    );
  }
  const sized = layers.map(({ kernel, stride, multiple }, i) => ({
    kernel,
    stride: strides?.[i] ?? stride,
    channels: Math.round(base * multiple),
  }));
  return checked({ layers: sized, projection }, name, requirements, strides === undefined);
}

/** Strides are checked only where they were not chosen by hand: a CIFAR-size network has a stem of stride 1. */
function checked(
  design: StemDesign,
  name: string,
  requirements: StemRequirements,
  checkStride: boolean,
): StemDesign {
  const { family, channels, stride } = requirements;
  const last = design.layers.at(-1);
  const total = design.layers.reduce((product, layer) => product * layer.stride, 1);
  if (!last) throw new RevatError('invalid-argument', `${family}: stem '${name}' has no layers.`);
  for (const { kernel, stride: step, channels: width } of design.layers) {
    if (![kernel, step, width].every((value) => Number.isInteger(value) && value > 0)) {
      throw new RevatError(
        'invalid-argument',
        `${family}: stem '${name}' needs positive integers, got kernel ${kernel}, stride ${step}, channels ${width}.`,
      );
    }
  }
  if (!design.projection && last.channels !== channels) {
    throw new RevatError(
      'mismatch',
      `${family}: stem '${name}' ends with ${last.channels} channels, the network takes ${channels}. Change its width or add a projection.`,
    );
  }
  if (checkStride && total !== stride && name !== 'explicit') {
    throw new RevatError(
      'mismatch',
      `${family}: stem '${name}' reduces the image ${total} times, the network expects ${stride} times.`,
    );
  }
  return design;
}

/** Options may come from a file or a command line. */
function requireStemOption(option: unknown, family: string): void {
  const described = typeof option === 'object' && option !== null;
  if (typeof option === 'string') return;
  if (described && 'layers' in option && Array.isArray(option.layers)) return;
  if (described && 'name' in option && typeof option.name === 'string') return;
  throw new RevatError(
    'invalid-argument',
    `${family}: stem must be a name, { name, ... } or { layers: [...] }, got ${JSON.stringify(option)}.`,
  );
}

function unknownStem(name: string, family: string): RevatError {
  const known = ['native', 'patch', 'conv', ...Object.keys(PAPER_STEMS)].join(', ');
  return new RevatError('unknown-name', `${family}: no stem is called '${name}'. Known: ${known}.`);
}
