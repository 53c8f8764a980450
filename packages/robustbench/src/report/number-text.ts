/** How the report writes numbers. A narrow no-break space keeps number and unit together. */
const THIN = '\u202f';

/** "68.0 %" of 0.68. */
export function percent(share: number, digits = 1): string {
  return `${(share * 100).toFixed(digits)}${THIN}%`;
}

/** "899,542". */
export function countText(count: number): string {
  return count.toLocaleString('en-US');
}

/** "0.4 s", "12 s", "3 min 05 s", "2 h 07 min". */
export function durationText(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)}${THIN}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}${THIN}s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}${THIN}min ${pad(whole % 60)}${THIN}s`;
  return `${Math.floor(minutes / 60)}${THIN}h ${pad(minutes % 60)}${THIN}min`;
}

/** "2.0 GiB". */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  return `${(bytes / 2 ** (10 * power)).toFixed(power === 0 ? 0 : 1)}${THIN}${units[power]}`;
}

/** A short decimal: "0.0157", "1.234", "12". */
export function shortNumber(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
