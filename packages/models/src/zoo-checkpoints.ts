import type { Normalization } from './normalization.js';

/** A file of trained weights that others published. */
export interface PublishedCheckpoint {
  /** The publisher's name for it. */
  readonly id: string;
  /** Where to get it. `hf:` names can be given to `loadWeights` as they are; others are downloaded by hand. */
  readonly source: string;
  readonly training: 'clean' | 'Linf 4/255';
  /** What the network expects before it, if known; a normaliser inside the file is found by `loadWeights` itself. */
  readonly normalization?: Normalization;
  /** Accuracies in percent on RobustBench's 5,000 ImageNet images, as reported there: clean, and AutoAttack at Linf 4/255. */
  readonly reported?: { readonly clean: number; readonly linf: number };
}

/** A checkpoint of RobustBench's ImageNet Linf model zoo, hosted on Google Drive. */
function robustBench(
  id: string,
  fileId: string,
  normalization: Normalization,
  reported?: [number, number],
): PublishedCheckpoint {
  return {
    id,
    source: `https://drive.google.com/file/d/${fileId}/view`,
    training: 'Linf 4/255',
    normalization,
    ...(reported && { reported: { clean: reported[0], linf: reported[1] } }),
  };
}

/** A checkpoint of the timm organisation on the Hugging Face hub, trained without adversary. */
function timm(id: string, normalization: Normalization): PublishedCheckpoint {
  return { id, source: `hf:timm/${id}`, training: 'clean', normalization };
}

/** Weights of the paper's repository (nmndeep/revisiting-at): the clean start, the robust network, the AutoAttack log. */
function paper(id: string, share: string, normalization?: Normalization): PublishedCheckpoint {
  return {
    id,
    source: `https://nc.mlcloud.uni-tuebingen.de/index.php/s/${share}`,
    training: 'Linf 4/255',
    normalization,
  };
}

/** Known checkpoints by network and stem, `name/stem`. */
export const CHECKPOINTS: Readonly<Record<string, readonly PublishedCheckpoint[]>> = {
  'convnext_tiny/patch': [timm('convnext_tiny.fb_in1k', 'imagenet')],
  'convnext_tiny/conv': [
    paper('ConvNext-T-CvSt', 'BFLoMrMdn8iBk7Y', 'none'),
    robustBench(
      'Singh2023Revisiting_ConvNeXt-T-ConvStem',
      '1-FjtOF6LJ3-bf4VezsmWwncCxYSx-USP',
      'none',
      [72.72, 49.46],
    ),
  ],
  'convnext_small/patch': [timm('convnext_small.fb_in1k', 'imagenet')],
  'convnext_small/conv': [
    paper('ConvNext-S-CvSt', 'm3bAwNg4CJY4jrp', 'none'),
    robustBench(
      'Singh2023Revisiting_ConvNeXt-S-ConvStem',
      '1-ZrMYajCCnrtV4oT0wa3qJJoQy1nUSnL',
      'none',
      [74.1, 52.42],
    ),
  ],
  'convnext_base/patch': [
    timm('convnext_base.fb_in1k', 'imagenet'),
    robustBench(
      'Liu2023Comprehensive_ConvNeXt-B',
      '10-nSm-qUftvfKXHeOAakBQl8rxm-jCbk',
      'imagenet',
      [76.02, 55.82],
    ),
  ],
  'convnext_base/conv': [
    paper('ConvNext-B-CvSt', 'RQBEXagC7R7XweX', 'none'),
    robustBench(
      'Singh2023Revisiting_ConvNeXt-B-ConvStem',
      '1-lE-waaVvfL7lgBrydmZIM9UJimmHnVe',
      'none',
      [75.9, 56.14],
    ),
  ],
  'convnext_large/patch': [
    timm('convnext_large.fb_in1k', 'imagenet'),
    robustBench('Liu2023Comprehensive_ConvNeXt-L', '1dIPLNfdQtAnqZrKPyuy3_zDI-FVgJ2FH', 'imagenet'),
  ],
  'convnext_large/conv': [
    robustBench('Singh2023Revisiting_ConvNeXt-L-ConvStem', '10-YOVdM2EQjHemSi9x2H44qKRSOXVQmh', 'none'),
  ],
  'convnext_isotropic_small/conv': [paper('ConvNext-iso-CvSt', 'HpNbkLTNTBiaeo8')],
  'vit_small/patch': [timm('deit_small_patch16_224.fb_in1k', 'imagenet')],
  'vit_small/conv': [
    paper('ViT-S-CvSt', 'agtDw3D7QXbDCmw', 'imagenet'),
    robustBench(
      'Singh2023Revisiting_ViT-S-ConvStem',
      '1-1sUYXnj6bDXacIKI3KKqn4rlkmL-ZI2',
      'imagenet',
      [72.56, 48.08],
    ),
  ],
  'vit_medium/patch': [timm('deit3_medium_patch16_224.fb_in1k', 'imagenet')],
  'vit_medium/conv': [paper('ViT-M-CvSt', 'q2mkEYtq5Zjpa4e')],
  'vit_base/patch': [
    timm('vit_base_patch16_224.augreg_in1k', 'inception'),
    robustBench('Mo2022When_ViT-B', '1-dUFdvDBflqMsMLjZv3wlPJTm-Jm7net', 'imagenet'),
  ],
  'vit_base/conv': [
    paper('ViT-B-CvSt', 'SbN5AJAicdZJXyr', 'none'),
    robustBench(
      'Singh2023Revisiting_ViT-B-ConvStem',
      '1-JBbfi_eH3tKMXObvPPHprrZae0RiQGT',
      'none',
      [76.3, 54.66],
    ),
  ],
  'resnet50/native': [
    robustBench('Salman2020Do_R50', '1TmT5oGa1UvVjM3d-XeSj_XmKqBNRUg8r', 'imagenet', [64.02, 34.96]),
    robustBench('Engstrom2019Robustness', '1T2Fvi1eCJTeAOEzrH_4TAIwO8HTOYVyn', 'imagenet', [62.56, 29.22]),
    robustBench('Wong2020Fast', '1deM2ZNS5tf3S_-eRURJi-IlvUL8WJQ_w', 'imagenet', [55.62, 26.24]),
  ],
  'wide_resnet50_2/native': [
    robustBench('Salman2020Do_50_2', '1OT7xaQYljrTr3vGbM37xK9SPoPJvbSKB', 'imagenet', [68.46, 38.14]),
    robustBench('Chen2024Data_WRN_50_2', '1-PBlZVILAKFQ7mF8srKjdkTKJZAr61Uf', 'none'),
  ],
  'xcit_small_12/native': [xcit('S12', 72.34, 41.78)],
  'xcit_medium_12/native': [xcit('M12', 74.04, 45.24)],
  'xcit_large_12/native': [xcit('L12', 73.76, 47.6)],
  'swin_base/patch': [
    robustBench(
      'Liu2023Comprehensive_Swin-B',
      '1-4mtxQCkThJUVdS3wvQ6NnmMZuySqR3c',
      'imagenet',
      [76.16, 56.16],
    ),
    robustBench('Mo2022When_Swin-B', '1-SXi4Z2X6Zo_j8EO4slJcBMXNej8fKUd', 'imagenet'),
    robustBench('RodriguezMunoz2024Characterizing_Swin-B', '1-BSUjoFXx3PP-TfeE5fjbofO2lLyUf56', 'imagenet'),
  ],
  'swin_large/patch': [
    robustBench('Liu2023Comprehensive_Swin-L', '1-57sQfcrsDsslfDR18nRD7FnpQmsSBk7', 'imagenet'),
    robustBench('RodriguezMunoz2024Characterizing_Swin-L', '1-Dc9WhPU2wv4OMskLo1U57n5O8VbpNXv', 'imagenet'),
  ],
  'robarch_large/native': [robustBench('Peng2023Robust', '1-GpZ9Du83mBTN61Ytx9z_ZQSyIc1kYop', 'none')],
};

/** RobustBench gets these from the authors' releases through timm. */
function xcit(size: string, clean: number, linf: number): PublishedCheckpoint {
  return {
    id: `Debenedetti2022Light_XCiT-${size}`,
    source: 'https://github.com/dedeswim/vits-robustness-torch',
    training: 'Linf 4/255',
    normalization: 'none',
    reported: { clean, linf },
  };
}
