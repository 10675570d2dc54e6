// All rows of the bench: a list of suites. A room that has rows of its own adds its function here.

import { coreRows } from './core-rows.js';
import { exploreRows } from './explore-rows.js';
import { fsRows } from './fs-rows.js';
import { nativeRows } from './native-rows.js';
import { rdmaRows } from './rdma-rows.js';
import type { Row } from './row.js';
import { videoRows } from './video-rows.js';

export { keeps, rowText, type Row } from './row.js';

export interface Suite {
  readonly name: string;
  /** effort: 1 is all the time it takes, less is faster and noisier. */
  rows(effort: number): readonly Row[] | Promise<readonly Row[]>;
}

/** The explorer comes before the others whose calls it makes: what they do live is another path. */
export const suites: readonly Suite[] = [
  { name: 'native', rows: nativeRows },
  { name: 'explore', rows: exploreRows },
  { name: 'core', rows: coreRows },
  { name: 'rdma', rows: rdmaRows },
  { name: 'v4l2', rows: videoRows },
  { name: 'fs', rows: fsRows },
];

/** Run one suite after the other; each row as soon as its suite has ended. */
export async function* allRows(from: readonly Suite[] = suites, effort = 1): AsyncGenerator<Row> {
  for (const suite of from) yield* await suite.rows(effort);
}
