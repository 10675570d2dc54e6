// Goal: a cell's name says all four of its parts, so that no two cells share a picture or a line.

import test from 'ava';
import { cellName } from '../../lib/lab/cell.js';
import { cellsOf } from '../../lib/lab/matrix.js';

test('a cell is named by policy, driver, behaviour and operation', (t) => {
  const parts = {
    policy: 'wait',
    driver: 'vfio',
    behaviour: 'ignores',
    operation: 'punch',
  } as const;
  t.is(cellName(parts), 'wait/vfio/ignores/punch');
});

test('no two cells of the matrix have one name', (t) => {
  const cells = cellsOf({ policies: [], drivers: [], behaviours: [], operations: [] });
  t.is(new Set(cells.map(cellName)).size, cells.length);
});
