import { RevatError } from '@revat/core';

/** A file of a repository on the Hugging Face hub, as `hf:owner/name[@revision][:path/in/repository]`. */
export interface HubReference {
  readonly repository: string;
  readonly revision: string;
  /** Absent: the weights are looked for. */
  readonly file: string | undefined;
}

const PATTERN = /^hf:([\w.-]+\/[\w.-]+)(?:@([\w./-]+))?(?::(.+))?$/;

/** What repositories call their weights, the safe format first. */
export const WEIGHT_FILES = [
  'model.safetensors',
  'pytorch_model.safetensors',
  'pytorch_model.bin',
  'model.pth',
  'model.pt',
];

export function isHubReference(source: string): boolean {
  return source.startsWith('hf:');
}

/** Throws RevatError 'invalid-argument' unless the text is a reference without steps out of a folder. */
export function parseHubReference(source: string): HubReference {
  const [, repository, revision = 'main', file] = PATTERN.exec(source) ?? [];
  const parts = [repository, revision, file ?? ''].flatMap((text) => (text ?? '..').split('/'));
  if (parts.some((part) => part === '..' || part === '.') || file?.startsWith('/') === true) {
    throw new RevatError(
      'invalid-argument',
      `${source}: not a hub reference. Write hf:owner/name, hf:owner/name@revision or hf:owner/name:file, e.g. hf:timm/convnext_tiny.fb_in1k.`,
    );
  }
  return { repository, revision, file };
}

/** The file to load of those that a folder or repository has. Throws 'not-found' or, if it is unclear, 'invalid-argument'. */
export function chooseWeightFile(files: readonly string[], where: string): string {
  const usual = WEIGHT_FILES.find((name) => files.includes(name));
  if (usual !== undefined) return usual;
  for (const pattern of [/^[^/]+\.safetensors$/, /^[^/]+\.(?:pth?|bin)$/]) {
    const found = files.filter((name) => pattern.test(name));
    if (found.length === 1) return found[0];
    if (found.length > 1) {
      throw new RevatError(
        'invalid-argument',
        `${where}: holds several weight files: ${found.slice(0, 6).join(', ')}. Name the one to load.`,
      );
    }
  }
  throw new RevatError(
    'not-found',
    `${where}: holds no .safetensors, .pt, .pth or .bin file. Check the place.`,
  );
}
