/** The middle value, or the mean of the two in the middle. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Numbers as a benchmark prints them: four significant digits. */
export function rounded(value) {
  return Number.isFinite(value) ? Number(value.toPrecision(4)) : null;
}
