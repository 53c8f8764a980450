import { hasPrefix, type KeyMap } from './key-map.js';

/**
 * Microsoft's Swin and timm before 0.9: patch merging ends a stage (`layers.0.downsample`) where timm now lets it begin
 * the next one (`layers.1.downsample`), and the classifier is `head` instead of `head.fc`.
 */
export const earlierSwin: KeyMap = {
  name: 'Swin with patch merging at the end of a stage',
  applies: (file, model) =>
    hasPrefix(file, 'layers.0.downsample.') &&
    hasPrefix(model, 'layers.1.downsample.') &&
    !hasPrefix(model, 'layers.0.downsample.'),
  rename: (name) =>
    name
      .replace(
        /^layers\.(\d+)\.downsample\./,
        (_, stage: string) => `layers.${Number(stage) + 1}.downsample.`,
      )
      .replace(/^head\.(weight|bias)$/, 'head.fc.$1'),
};
