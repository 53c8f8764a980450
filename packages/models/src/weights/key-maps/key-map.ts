/** A naming of some family's parameters that differs from timm's. */
export interface KeyMap {
  /** How the report names it. */
  readonly name: string;
  /** Whether a file with these names uses the naming, for a model whose own names are given. */
  applies(fileNames: ReadonlySet<string>, modelNames: ReadonlySet<string>): boolean;
  /** timm's name of a tensor of the file; the tensor is cut into equal parts along its first axis where several are given. */
  rename(name: string): string | readonly string[];
}

/** Replaces by the first rule whose pattern matches. */
export function renameBy(rules: ReadonlyArray<readonly [RegExp, string]>): (name: string) => string {
  return (name) => {
    const rule = rules.find(([pattern]) => pattern.test(name));
    return rule === undefined ? name : name.replace(rule[0], rule[1]);
  };
}

/** Whether any of the names begins so. */
export function hasPrefix(names: ReadonlySet<string>, prefix: string): boolean {
  for (const name of names) if (name.startsWith(prefix)) return true;
  return false;
}
