import { RevatError } from '@revat/core';

/** A bundler would want the optional packages even where nobody needs them: throws 'unavailable'. */
export async function importConverter(): Promise<never> {
  throw inBrowser('loadGraphModel');
}

/** As importConverter. */
export async function importLayers(): Promise<never> {
  throw inBrowser('loadLayersModel');
}

function inBrowser(name: string): RevatError {
  return new RevatError(
    'unavailable',
    `loadTfjsModel: in a browser use tf.${name}(url); the attacks take what it returns.`,
  );
}
