import { hasPrefix, renameBy, type KeyMap } from './key-map.js';

/** https://github.com/facebookresearch/ConvNeXt: flat blocks, the stem as downsampling layer 0. */
export const facebookConvNeXt: KeyMap = {
  name: "Facebook's ConvNeXt",
  applies: (file, model) =>
    hasPrefix(file, 'downsample_layers.') && model.has('stages.0.blocks.0.conv_dw.weight'),
  rename: renameBy([
    [/^downsample_layers\.0\./, 'stem.'],
    [/^downsample_layers\.(\d+)\./, 'stages.$1.downsample.'],
    [/^stages\.(\d+)\.(\d+)\.dwconv\./, 'stages.$1.blocks.$2.conv_dw.'],
    [/^stages\.(\d+)\.(\d+)\.pwconv([12])\./, 'stages.$1.blocks.$2.mlp.fc$3.'],
    [/^stages\.(\d+)\.(\d+)\.(norm\.|gamma)/, 'stages.$1.blocks.$2.$3'],
    [/^norm\./, 'head.norm.'],
    [/^head\.(weight|bias)$/, 'head.fc.$1'],
  ]),
};

const BLOCK_PARTS = new Map([
  ['block.0', 'conv_dw'],
  ['block.2', 'norm'],
  ['block.3', 'mlp.fc1'],
  ['block.5', 'mlp.fc2'],
]);

/** torchvision: features alternates downsampling (even) and stages (odd). */
export const torchvisionConvNeXt: KeyMap = {
  name: "torchvision's ConvNeXt",
  applies: (file, model) =>
    file.has('features.1.0.layer_scale') && model.has('stages.0.blocks.0.conv_dw.weight'),
  rename(name) {
    const [root, index, ...rest] = name.split('.');
    if (root === 'classifier') return `head.${index === '0' ? 'norm' : 'fc'}.${rest.join('.')}`;
    if (root !== 'features') return name;
    const stage = Math.floor(Number(index) / 2);
    if (index === '0') return `stem.${rest.join('.').replace(/^(\d)\.\d\./, '$1.')}`;
    if (Number(index) % 2 === 0) return `stages.${stage}.downsample.${rest.join('.')}`;
    const [block, ...parameter] = rest;
    if (parameter[0] === 'layer_scale') return `stages.${stage}.blocks.${block}.gamma`;
    const part = BLOCK_PARTS.get(parameter.slice(0, 2).join('.'));
    return part === undefined
      ? name
      : `stages.${stage}.blocks.${block}.${part}.${parameter.slice(2).join('.')}`;
  },
};
