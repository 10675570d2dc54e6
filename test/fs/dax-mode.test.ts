// Goal: S_DAX is what the mount option says, and where that is `inode` what the flag of a regular
// file says; nothing else has it.

import test from 'ava';
import { daxModeOf, daxModes, shouldEnableDax, type DaxMode } from '../../lib/fs/dax-mode.js';

test('yes stands for always, no for never', (t) => {
  t.deepEqual(daxModes.map(daxModeOf), ['always', 'inode', 'never', 'always', 'never']);
});

const rows: readonly (readonly [DaxMode, boolean, boolean])[] = [
  ['always', false, true],
  ['always', true, true],
  ['inode', false, false],
  ['inode', true, true],
  ['never', false, false],
  ['never', true, false],
];

for (const [mode, daxFlag, dax] of rows) {
  test(`dax=${mode}, the flag ${daxFlag ? 'set' : 'clear'}: S_DAX of a file is ${dax}`, (t) => {
    t.is(shouldEnableDax(mode, { kind: 'file', daxFlag }), dax);
    t.false(shouldEnableDax(mode, { kind: 'dir', daxFlag }));
    t.false(shouldEnableDax(mode, { kind: 'link', daxFlag }));
  });
}
