// The matrix: which cells there are, in the order in which they are shown.

import { policyIds } from '../policy/index.js';
import { behaviourNames, driverNames, operationNames, type Cell } from './cell.js';

/** What of the matrix is wanted; an empty list is everything. */
export interface Selection {
  readonly policies: readonly string[];
  readonly drivers: readonly string[];
  readonly behaviours: readonly string[];
  readonly operations: readonly string[];
}

const chosen = <T extends string>(all: readonly T[], wanted: readonly string[]): readonly T[] =>
  wanted.length === 0 ? all : all.filter((name) => wanted.includes(name));

/** Every cell of the selection, those without meaning included. */
export function cellsOf(selection: Selection): Cell[] {
  const { policies } = selection;
  const cells: Cell[] = [];
  for (const policy of policies.length > 0 ? policies : policyIds) {
    for (const driver of chosen(driverNames, selection.drivers)) {
      for (const operation of chosen(operationNames, selection.operations)) {
        for (const behaviour of chosen(behaviourNames, selection.behaviours)) {
          cells.push({ policy, driver, behaviour, operation });
        }
      }
    }
  }
  return cells;
}
