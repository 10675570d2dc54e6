// Goal: bad arguments are EINVAL and name what is wrong.

import test from 'ava';
import * as args from '../../../drivers/pnfs/args.js';
import { isErrno } from '../../../lib/errno.js';

const range = { pos: 0, len: 1 };

for (const [what, fn] of [
  ['stateid', () => args.checkStateid({ stateid: 'x' })],
  ['request', () => args.checkStateid(undefined)],
  ['pos', () => args.checkRange({ pos: -1, len: 1 })],
  ['len', () => args.checkRange({ pos: 0, len: 0 })],
  ['len', () => args.checkRange({ pos: 2 ** 52, len: 2 ** 53 })],
  ['len', () => args.checkRange({ pos: 0, len: NaN })],
  ['iomode', () => args.checkLayoutGet({ fd: 1, ...range, iomode: 'w' })],
  ['fd', () => args.checkLayoutGet({ fd: -1, ...range, iomode: 'rw' })],
  ['data', () => args.checkData({ pos: 0, data: [1] })],
  ['byte', () => args.checkJob({ ...range, byte: 256, periodNs: 1 })],
  ['periodNs', () => args.checkJob({ ...range, byte: 1, periodNs: 0 })],
  ['answer', () => args.checkAnswer({ answer: 'later' })],
  ['afterNs', () => args.checkAnswer({ answer: { afterNs: -1 } })],
] as const) {
  test(`${fn.toString().slice(6)} is EINVAL and says ${what}`, (t) => {
    const error = t.throws(fn);
    t.true(isErrno(error, 'EINVAL'));
    t.regex(String(error), new RegExp(what));
  });
}

test('good arguments come back as they are', (t) => {
  t.is(args.checkStateid({ stateid: 4 }), 4);
  t.deepEqual(args.checkLayoutGet({ fd: 3, ...range, iomode: 'rw' }), {
    ...{ fd: 3, iomode: 'rw' },
    ...range,
  });
  t.is(args.checkAnswer({ answer: 'ignore' }), 'ignore');
  t.deepEqual(args.checkAnswer({ answer: { afterNs: 5 } }), { afterNs: 5 });
});
