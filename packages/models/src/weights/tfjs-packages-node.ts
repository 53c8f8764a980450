import { RevatError } from '@revat/core';
import type { io } from '@tensorflow/tfjs-core';

interface Converter {
  loadGraphModel(handler: io.IOHandler): Promise<unknown>;
}

interface Layers {
  loadLayersModel(handler: io.IOHandler): Promise<unknown>;
}

/** @tensorflow/tfjs-converter, an optional peer. Throws 'unavailable' where it is not installed. */
export async function importConverter(): Promise<Converter> {
  return import('@tensorflow/tfjs-converter').catch(missing('@tensorflow/tfjs-converter'));
}

/** @tensorflow/tfjs-layers, an optional peer. Throws 'unavailable' where it is not installed. */
export async function importLayers(): Promise<Layers> {
  return import('@tensorflow/tfjs-layers').catch(missing('@tensorflow/tfjs-layers'));
}

function missing(name: string): (cause: unknown) => never {
  return (cause) => {
    throw new RevatError(
      'unavailable',
      `loadTfjsModel: this model needs ${name}. Install it: npm install ${name}`,
      { cause },
    );
  };
}
