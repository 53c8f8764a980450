/** What may separate the parts of a name. */
const SEPARATOR = /(?:, |: | \+ | · )(?!.*(?:, |: | \+ | · ))/;

/**
 * Names without the parts at the beginning that all of them share: "clean" and "fine-tuned" for "ConvNeXt, clean" and
 * "ConvNeXt, fine-tuned". A single name stays as it is.
 */
export function shortLabels(labels: readonly string[]): string[] {
  if (labels.length < 2) return [...labels];
  const [first, ...others] = labels;
  let length = 0;
  while (length < first.length && others.every((label) => label[length] === first[length])) length++;
  const separator = SEPARATOR.exec(first.slice(0, length));
  if (!separator) return [...labels];
  const start = separator.index + separator[0].length;
  return labels.map((label) => label.charAt(start).toUpperCase() + label.slice(start + 1));
}
