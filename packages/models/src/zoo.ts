import { profile } from './profile.js';
import { createModel } from './registry.js';
import { CHECKPOINTS, type PublishedCheckpoint } from './zoo-checkpoints.js';

/** Figures as the paper prints them, so that their precision is known: '28.59', '4.5'. */
export interface PrintedCounts {
  /** Millions of parameters. */
  readonly params: string;
  /** Giga-FLOPs at 224 x 224. */
  readonly flops: string;
}

/** A network of the paper's tables, as `createModel(name, { stem })` builds it. */
export interface ZooEntry {
  readonly name: string;
  readonly stem: 'patch' | 'conv' | 'native';
  /** The paper's name. */
  readonly title: string;
  readonly table14?: PrintedCounts;
  readonly table2?: PrintedCounts;
  /** Why a figure of the paper differs from the count of the published code, where one does. */
  readonly note?: string;
}

/** An entry with what was counted at 224 x 224 and what is known to be published. */
export interface ZooListing extends ZooEntry {
  readonly params: number;
  /** Multiply-accumulates. */
  readonly macs: number;
  /** fvcore's count. */
  readonly flops: number;
  readonly checkpoints: readonly PublishedCheckpoint[];
}

function counts(params: string, flops: string): PrintedCounts {
  return { params, flops };
}

const ROUNDED = 'Table 2 prints whole millions here.';
const OTHER_COUNTER = 'The FLOPs are those of another counter.';
const VIT_M = 'Table 14 is 0.01 G above the count of the code with both stems; the cause is unknown.';

/** Every full-size network of the paper and of its comparisons. */
export const ZOO: readonly ZooEntry[] = [
  {
    name: 'convnext_tiny',
    stem: 'patch',
    title: 'ConvNeXt-T',
    table14: counts('28.59', '4.47'),
    table2: counts('28.6', '4.5'),
  },
  {
    name: 'convnext_tiny',
    stem: 'conv',
    title: 'ConvNeXt-T + ConvStem',
    table14: counts('28.63', '4.60'),
    table2: counts('28.6', '4.6'),
  },
  {
    name: 'convnext_small',
    stem: 'patch',
    title: 'ConvNeXt-S',
    table14: counts('50.10', '8.70'),
    table2: counts('50.1', '8.7'),
    note: `The paper prints 50.10 M; its code, and timm, have 50.22 M. 8.70 G lies between fvcore's 8.71 and the 8.68 of multiply-accumulates alone.`,
  },
  {
    name: 'convnext_small',
    stem: 'conv',
    title: 'ConvNeXt-S + ConvStem',
    table14: counts('50.33', '8.79'),
    table2: counts('50.3', '8.8'),
    note: `A two-layer ConvStem adds 0.04 M, not the 0.23 M between the paper's two rows. 8.79 G contradicts the "+1.7 %" beside it, which would be 8.85; the code gives +1.5 %.`,
  },
  {
    name: 'convnext_base',
    stem: 'patch',
    title: 'ConvNeXt-B',
    table14: counts('88.59', '15.38'),
    table2: counts('88.6', '15.4'),
  },
  {
    name: 'convnext_base',
    stem: 'conv',
    title: 'ConvNeXt-B + ConvStem',
    table14: counts('88.75', '15.97'),
    table2: counts('88.8', '16.0'),
    note: 'The parameters agree with the released stem (64-96-128), whose FLOPs are 15.90 G; where 15.97 comes from is unknown.',
  },
  { name: 'convnext_large', stem: 'patch', title: 'ConvNeXt-L' },
  { name: 'convnext_large', stem: 'conv', title: 'ConvNeXt-L + ConvStem' },
  {
    name: 'convnext_isotropic_small',
    stem: 'patch',
    title: 'Isotropic ConvNeXt-S',
    table14: counts('22.31', '4.29'),
    table2: counts('22.3', '4.3'),
  },
  {
    name: 'convnext_isotropic_small',
    stem: 'conv',
    title: 'Isotropic ConvNeXt-S + ConvStem',
    table14: counts('23.04', '4.67'),
    table2: counts('23.0', '4.7'),
  },
  {
    name: 'vit_small',
    stem: 'patch',
    title: 'ViT-S',
    table14: counts('22.05', '4.61'),
    table2: counts('22.1', '4.6'),
  },
  {
    name: 'vit_small',
    stem: 'conv',
    title: 'ViT-S + ConvStem',
    table14: counts('22.78', '4.99'),
    table2: counts('22.8', '5.0'),
  },
  {
    name: 'vit_medium',
    stem: 'patch',
    title: 'ViT-M',
    table14: counts('38.85', '8.01'),
    table2: counts('38.8', '8.0'),
    note: VIT_M,
  },
  {
    name: 'vit_medium',
    stem: 'conv',
    title: 'ViT-M + ConvStem',
    table14: counts('39.5', '8.38'),
    table2: counts('39.5', '8.4'),
    note: VIT_M,
  },
  {
    name: 'vit_base',
    stem: 'patch',
    title: 'ViT-B',
    table14: counts('86.57', '17.58'),
    table2: counts('86.6', '17.6'),
  },
  {
    name: 'vit_base',
    stem: 'conv',
    title: 'ViT-B + ConvStem',
    table14: counts('87.14', '17.93'),
    table2: counts('87.1', '17.9'),
    note: '87.147 M is printed as 87.14: cut off, not rounded.',
  },
  {
    name: 'resnet50',
    stem: 'native',
    title: 'ResNet-50',
    table2: counts('25.0', '4.1'),
    note: 'Table 2 prints 25.0 M; the code gives 25.56.',
  },
  {
    name: 'resnet101',
    stem: 'native',
    title: 'ResNet-101',
    table2: counts('44.5', '7.9'),
    note: 'Table 2 prints 7.9 G; the code gives 7.83.',
  },
  { name: 'wide_resnet50_2', stem: 'native', title: 'Wide-ResNet-50-2', table2: counts('68.9', '11.4') },
  { name: 'xcit_small_12', stem: 'native', title: 'XCiT-S12', table2: counts('26.0', '4.8'), note: ROUNDED },
  { name: 'xcit_medium_12', stem: 'native', title: 'XCiT-M12', table2: counts('46.0', '8.5'), note: ROUNDED },
  {
    name: 'xcit_large_12',
    stem: 'native',
    title: 'XCiT-L12',
    table2: counts('104.0', '19.0'),
    note: ROUNDED,
  },
  {
    name: 'swin_base',
    stem: 'patch',
    title: 'Swin-B',
    table2: counts('87.7', '15.5'),
    note: '87.77 M is printed as 87.7: cut off, not rounded.',
  },
  { name: 'swin_large', stem: 'patch', title: 'Swin-L' },
  {
    name: 'robarch_small',
    stem: 'native',
    title: 'RobArch-S',
    table2: counts('26.1', '6.3'),
    note: OTHER_COUNTER,
  },
  {
    name: 'robarch_large',
    stem: 'native',
    title: 'RobArch-L',
    table2: counts('104.0', '25.7'),
    note: `${ROUNDED} ${OTHER_COUNTER}`,
  },
  { name: 'internimage_tiny', stem: 'conv', title: 'InternImage-T' },
  { name: 'internimage_tiny', stem: 'patch', title: 'InternImage-T + PatchStem' },
];

/** The zoo with counts at 224 x 224 and known checkpoints: what `revat models` prints. Allocates no tensors. */
export function modelZoo(): ZooListing[] {
  return ZOO.map((entry) => {
    const model = createModel(entry.name, { stem: entry.stem }, { deferred: true });
    const { params, macs, flops } = profile(model, { imageSize: 224 });
    return { ...entry, params, macs, flops, checkpoints: CHECKPOINTS[`${entry.name}/${entry.stem}`] ?? [] };
  });
}

/** Whether a count, in units of the printed figure, rounds to it. */
export function agrees(count: number, printed: string): boolean {
  const decimals = printed.split('.')[1]?.length ?? 0;
  return count.toFixed(decimals) === printed;
}
