/** Text that is HTML already: everything else is escaped when it enters a template. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

type Insertion = Markup | string | number | null | undefined | false | readonly Insertion[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text made safe for element content and quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character]);
}

/** A template whose insertions are escaped, unless they are markup; lists are joined, null and false are nothing. */
export function html(strings: TemplateStringsArray, ...insertions: readonly Insertion[]): Markup {
  return new Markup(
    strings.reduce((text, string, i) => text + insertionText(insertions[i - 1]) + string, ''),
  );
}

function insertionText(insertion: Insertion): string {
  if (insertion === null || insertion === undefined || insertion === false) return '';
  if (insertion instanceof Markup) return insertion.text;
  if (typeof insertion === 'string') return escapeHtml(insertion);
  if (typeof insertion === 'number') return String(insertion);
  return insertion.map(insertionText).join('');
}
