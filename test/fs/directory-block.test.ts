// Goal: a block of a directory holds what was put in, wastes nothing, and says EUCLEAN when it was
// damaged. Method: random adds and removes against a plain map.

import test from 'ava';
import fc from 'fast-check';
import { isErrno } from '../../lib/errno.js';
import {
  addDirent,
  direntLen,
  emptyDirectoryBlock,
  hasRoom,
  isLongerThan,
  readDirectoryBlock,
  removeDirent,
  retargetDirent,
} from '../../lib/fs/directory-block.js';
import { BLOCK_SIZE, DIRECTORY_TAIL_AT } from '../../lib/fs/format.js';

const INO = 4;
const file = (name: string, ino: number) => ({ name, ino, kind: 'file' as const });

test('a block holds exactly what was added and not removed', (t) => {
  const name = fc.constantFrom('a', 'bb', 'ccc', 'ü', 'x'.repeat(255), 'y'.repeat(200), 'last');
  const step = fc.record({ add: fc.boolean(), name, ino: fc.integer({ min: 1, max: 99 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const block = emptyDirectoryBlock(INO);
      const model = new Map<string, number>();
      for (const { add, name: n, ino } of steps) {
        if (!add) t.is(removeDirent(block, INO, n), model.delete(n));
        else if (model.has(n)) {
          t.true(retargetDirent(block, INO, file(n, ino)));
          model.set(n, ino);
        } else {
          const room = hasRoom(block, INO, Buffer.byteLength(n));
          t.is(addDirent(block, INO, file(n, ino)), room);
          if (room) model.set(n, ino);
        }
        const found = readDirectoryBlock(block, INO).map((e) => [e.name, e.ino] as const);
        t.deepEqual([...found].sort(), [...model].sort());
      }
    }),
    { numRuns: 60 },
  );
});

test('a block is filled to its last record, and emptied it is as good as new', (t) => {
  const block = emptyDirectoryBlock(INO);
  let n = 0;
  while (addDirent(block, INO, file(`name${String(n).padStart(4, '0')}`, n + 1))) n++;
  t.is(n, Math.floor(DIRECTORY_TAIL_AT / direntLen(8)));
  for (const { name } of readDirectoryBlock(block, INO).toReversed())
    removeDirent(block, INO, name);
  t.deepEqual(readDirectoryBlock(block, INO), []);
  t.true(hasRoom(block, INO, 255));
});

test('a removed name that is asked for again is not there', (t) => {
  const block = emptyDirectoryBlock(INO);
  addDirent(block, INO, file('x', 1));
  t.true(removeDirent(block, INO, 'x'));
  t.false(removeDirent(block, INO, 'x'));
  t.false(retargetDirent(block, INO, file('x', 2)));
});

test('a damaged byte, or the block of another directory, is EUCLEAN', (t) => {
  for (let at = 0; at < BLOCK_SIZE; at += 5) {
    const block = emptyDirectoryBlock(INO);
    addDirent(block, INO, file('name', 9));
    block[at]! ^= 0x40;
    t.true(
      isErrno(
        t.throws(() => readDirectoryBlock(block, INO)),
        'EUCLEAN',
      ),
      `byte ${at}`,
    );
  }
  const other = t.throws(() => readDirectoryBlock(emptyDirectoryBlock(5), INO));
  t.true(isErrno(other, 'EUCLEAN'));
});

test('the length of a name is counted in bytes', (t) => {
  t.false(isLongerThan('a'.repeat(255), 255));
  t.true(isLongerThan('a'.repeat(256), 255));
  t.false(isLongerThan('\u20ac'.repeat(85), 255));
  t.true(isLongerThan('\u20ac'.repeat(86), 255));
});
