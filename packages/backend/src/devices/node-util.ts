import util from 'node:util';

/** Puts `util.isNullOrUndefined` back, which Node 23 removed and tfjs-node still calls. */
export function restoreNodeUtil(): void {
  const module = util as { isNullOrUndefined?: (value: unknown) => boolean };
  module.isNullOrUndefined ??= (value) => value === null || value === undefined;
}
