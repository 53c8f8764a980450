import { ParameterStore, Scope } from '@revat/stems';
import { mergeOptions, type CommonConfig, type ModelConfig } from './model-config.js';
import { assembleModel, type Model, type Network, type Stage } from './model.js';

/** How the networks of one kind are described and built. */
export interface FamilyDefinition<C extends CommonConfig> {
  readonly name: string;
  /** Every option with its default; the keys are the options that the family knows. */
  readonly defaults: C;
  /** Throws RevatError on values that do not make a network. */
  validate(name: string, config: C): void;
  /** Declares all parameters, in the order of PyTorch's state dict, and returns the layers. */
  build(scope: Scope, config: C): Network;
  /** Top-level parts in order; a string is a part that is called as its path. */
  stages(config: C): readonly (string | Stage)[];
  /** Whether the network takes images of `imageSize` only. */
  readonly fixedSize?: boolean;
}

/** A family, its configuration type hidden, so that a registry can hold all of them. */
export interface Family {
  readonly name: string;
  readonly defaults: CommonConfig;
  create(name: string, options: Readonly<Record<string, unknown>>, deferred: boolean): Model;
}

/** Makes a family of its definition. */
export function defineFamily<C extends CommonConfig>(definition: FamilyDefinition<C>): Family {
  return {
    name: definition.name,
    defaults: definition.defaults,
    create(name, options, deferred) {
      const config = mergeOptions(name, definition.defaults, options);
      definition.validate(name, config);
      const store = new ParameterStore(config.seed);
      const network = definition.build(new Scope(store), config);
      if (!deferred) store.materialize();
      return assembleModel({
        name,
        config: config as C & ModelConfig,
        store,
        network,
        stages: definition
          .stages(config)
          .map((stage) => (typeof stage === 'string' ? { name: stage, paths: [stage] } : stage)),
        fixedSize: definition.fixedSize ? config.imageSize : undefined,
      });
    },
  };
}
