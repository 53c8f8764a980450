/** What a scan found. Serialisable; paths are relative to the scanned folder. */
export interface DatasetCheck {
  readonly directory: string;
  readonly layout: 'folders' | 'shards';
  readonly images: number;
  readonly bytes: number;
  /** One entry for each of train, val, test where the folder has them, else a single one named "all". */
  readonly splits: readonly {
    readonly name: string;
    readonly images: number;
    readonly classes: Readonly<Record<string, number>>;
  }[];
  readonly unreadable: readonly { readonly file: string; readonly reason: string }[];
  /** Groups of files with the same bytes; `acrossClasses` and `acrossSplits` tell the harmful ones. */
  readonly duplicates: readonly {
    readonly files: readonly string[];
    readonly acrossClasses: boolean;
    readonly acrossSplits: boolean;
  }[];
  /** Files whose contents are of another format than their name says; they load nevertheless. */
  readonly wrongExtensions: readonly { readonly file: string; readonly format: string }[];
  /** Files in class folders that are no images by name. */
  readonly ignored: readonly string[];
  /** Number of images by colour mode: rgb, gray, cmyk, rgba, palette, ... */
  readonly colorModes: Readonly<Record<string, number>>;
  /** Smallest and largest width and height in pixels; null if no image could be read. */
  readonly sizes: {
    readonly width: readonly [number, number];
    readonly height: readonly [number, number];
  } | null;
}

/** The scan as text for people. */
export function formatDatasetCheck(check: DatasetCheck): string {
  const some = (files: readonly string[]) => [
    ...files.slice(0, 10).map((file) => `  ${file}`),
    ...(files.length > 10 ? [`  and ${files.length - 10} more`] : []),
  ];
  const section = (title: string, files: readonly string[]) =>
    files.length === 0 ? [] : [`${title}: ${files.length}`, ...some(files)];
  const splits = check.splits.map(({ name, images, classes }) => {
    const counts = Object.values(classes);
    const range = `${Math.min(...counts)} to ${Math.max(...counts)} each`;
    return `${name}: ${images} images in ${counts.length} classes (${range})`;
  });
  const { sizes } = check;
  return [
    `${check.directory}: ${check.images} images, ${(check.bytes / 2 ** 20).toFixed(1)} MiB`,
    ...splits,
    ...(sizes ? [`sizes: ${sizes.width.join(' to ')} wide, ${sizes.height.join(' to ')} high`] : []),
    `colour modes: ${
      Object.entries(check.colorModes)
        .map(([mode, count]) => `${mode} ${count}`)
        .join(', ') || 'none'
    }`,
    ...section(
      'unreadable',
      check.unreadable.map(({ reason }) => reason),
    ),
    ...section(
      'duplicates',
      check.duplicates.map(
        ({ files, acrossClasses, acrossSplits }) =>
          files.join(' = ') +
          (acrossClasses ? ' (different classes)' : '') +
          (acrossSplits ? ' (different splits)' : ''),
      ),
    ),
    ...section(
      'wrong extension',
      check.wrongExtensions.map(({ file, format }) => `${file} is ${format}`),
    ),
    ...section('not images by name, ignored', check.ignored),
    check.unreadable.length === 0
      ? 'every image can be read'
      : `${check.unreadable.length} of ${check.images} images cannot be read`,
  ].join('\n');
}
