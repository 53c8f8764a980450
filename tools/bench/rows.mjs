const COLUMN_WIDTH = 9;

/** A function that prints results as they come: one JSON object a line, or columns of the given names for people. */
export function rowPrinter(columns, { json }) {
  if (json) return (row) => console.log(JSON.stringify(row));
  const widths = Object.values(columns).map((width) => width ?? COLUMN_WIDTH);
  const line = (cells) => console.log(cells.map((cell, i) => cell.padStart(widths[i])).join('  '));
  line(Object.keys(columns));
  return (row) => line(Object.keys(columns).map((name) => text(row[name])));
}

function text(value) {
  return value === undefined || value === null ? '-' : String(value);
}
