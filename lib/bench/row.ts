// A row of the bench: what was done, how long it took, and what it is held against.

export interface Row {
  readonly name: string;
  /** The figure, with its unit. */
  readonly value: number;
  readonly unit: 'ns' | 'ns/page' | '% of memcpy' | '/s' | 'ms' | 'µs' | 'times' | 'pages';
  /** The bound this row is held to; above it (or below, for a share) the row says so. */
  readonly bound?: number;
}

const larger = new Set<Row['unit']>(['% of memcpy', '/s', 'times']);

/** Whether the figure keeps its bound; true without one. */
export function keeps(row: Row): boolean {
  if (row.bound === undefined) return true;
  return larger.has(row.unit) ? row.value >= row.bound : row.value <= row.bound;
}

const digits = (value: number) => (value >= 100 ? 0 : value >= 10 ? 1 : 2);

export function rowText(row: Row): string {
  const places = Number.isInteger(row.value) ? 0 : digits(row.value);
  const value = `${row.value.toFixed(places)} ${row.unit}`;
  if (row.bound === undefined) return `${row.name.padEnd(58)} ${value}`;
  const sign = larger.has(row.unit) ? '>=' : '<=';
  const mark = keeps(row) ? '' : '  MISSED';
  return `${row.name.padEnd(58)} ${value.padEnd(18)} (${sign} ${row.bound} ${row.unit})${mark}`;
}
