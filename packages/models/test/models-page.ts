import { PAPER_STEMS } from '@revat/stems';
import { createModel, profile, type ZooListing } from '../src/index.js';
import { agrees } from '../src/zoo.js';

/** The generated parts of docs/models.md, by the name in their markers. */
export function renderSections(zoo: readonly ZooListing[]): Record<string, string> {
  return {
    zoo: zooTable(zoo),
    disagreements: disagreements(zoo),
    stems: stemTable(),
    checkpoints: checkpointTable(zoo),
  };
}

/** Puts the sections between their markers, `<!-- zoo -->` and `<!-- /zoo -->`. */
export function replaceSections(page: string, sections: Readonly<Record<string, string>>): string {
  return Object.entries(sections).reduce((text, [name, content]) => {
    const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    const [start, end] = [text.indexOf(open), text.indexOf(close)];
    if (start < 0 || end < start) throw new Error(`docs/models.md lacks the markers ${open} and ${close}.`);
    return `${text.slice(0, start + open.length)}\n\n${content}\n\n${text.slice(end)}`;
  }, page);
}

/** A table as prettier leaves it apart from the padding of its cells. */
export function withoutPadding(page: string): string {
  return page.replace(/^\|.*\|$/gm, (row) => row.replace(/ +/g, ' ').replace(/-+/g, '-'));
}

const millions = (count: number) => (count / 1e6).toFixed(3);
const giga = (count: number) => (count / 1e9).toFixed(2);

/** A printed figure, marked where the count does not round to it. */
function printed(figure: string | undefined, count: number): string {
  if (figure === undefined) return '';
  return agrees(count, figure) ? figure : `**${figure}**`;
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

function zooTable(zoo: readonly ZooListing[]): string {
  const header = ['`createModel`', 'stem', 'network', 'parameters', 'M', 'Table 14', 'Table 2'];
  const work = ['GFLOP (fvcore)', 'Table 14', 'Table 2', 'GMAC'];
  return table(
    [...header, ...work],
    zoo.map(({ name, stem, title, params, flops, macs, table14, table2 }) => [
      `\`${name}\``,
      `\`${stem}\``,
      title,
      String(params),
      millions(params),
      printed(table14?.params, params / 1e6),
      printed(table2?.params, params / 1e6),
      giga(flops),
      printed(table14?.flops, flops / 1e9),
      printed(table2?.flops, flops / 1e9),
      giga(macs),
    ]),
  );
}

function disagreements(zoo: readonly ZooListing[]): string {
  return zoo
    .filter(({ note }) => note)
    .map(({ title, note }) => `- ${title}: ${note}`)
    .join('\n');
}

function stemTable(): string {
  const networks = { 7: 'convnext_tiny', 8: 'convnext_base', 9: 'vit_small' } as const;
  const rows = Object.entries(PAPER_STEMS).map(([stem, { table: number, notation, printedFlops }]) => {
    const name = networks[number];
    const counted = profile(createModel(name, { stem }, { deferred: true }), { imageSize: 224 });
    return [
      `\`${stem}\``,
      `\`${name}\``,
      `\`${notation}\``,
      String(counted.params),
      giga(counted.flops),
      giga(counted.macs),
      printed(printedFlops, counted.flops / 1e9),
    ];
  });
  return table(['stem', 'network', 'as printed', 'parameters', 'GFLOP (fvcore)', 'GMAC', 'paper'], rows);
}

function checkpointTable(zoo: readonly ZooListing[]): string {
  const rows = zoo.flatMap(({ name, stem, checkpoints }) =>
    checkpoints.map(({ id, source, training, normalization, reported }) => [
      `\`${name}\``,
      `\`${stem}\``,
      source.startsWith('hf:') ? `\`${source}\`` : `[${id}](${source})`,
      training,
      typeof normalization === 'string' ? `\`${normalization}\`` : '',
      reported ? `${reported.clean.toFixed(2)} / ${reported.linf.toFixed(2)}` : '',
    ]),
  );
  return table(['`createModel`', 'stem', 'weights', 'training', 'normalization', 'clean / Linf'], rows);
}
