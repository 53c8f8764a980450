import { hasPrefix, renameBy, type KeyMap } from './key-map.js';

/** https://github.com/facebookresearch/deit, DeiT-III: layer scale as gamma_1 and gamma_2. */
export const facebookDeit3: KeyMap = {
  name: "Facebook's DeiT-III",
  applies: (file, model) => file.has('blocks.0.gamma_1') && model.has('blocks.0.ls1.gamma'),
  rename: renameBy([
    [/\.gamma_1$/, '.ls1.gamma'],
    [/\.gamma_2$/, '.ls2.gamma'],
  ]),
};

/** https://github.com/facebookresearch/xcit: one qkv matrix in class attention, and a misspelt position embedder. */
export const facebookXcit: KeyMap = {
  name: "Facebook's XCiT",
  applies: (file, model) =>
    (hasPrefix(file, 'pos_embeder.') || file.has('cls_attn_blocks.0.attn.qkv.weight')) &&
    hasPrefix(model, 'cls_attn_blocks.0.attn.q.'),
  rename(name) {
    const fused = /^(cls_attn_blocks\.\d+\.attn\.)qkv(\..*)$/.exec(name);
    if (fused !== null) return ['q', 'k', 'v'].map((part) => `${fused[1]}${part}${fused[2]}`);
    return name.replace(/^pos_embeder\./, 'pos_embed.');
  },
};
