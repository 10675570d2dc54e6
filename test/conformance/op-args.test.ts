// Goal: the language is one table: every operation in it can be played, with arguments of known
// kinds.

import test from 'ava';
import { opArgs } from '../../lib/conformance/op-args.js';
import { fileOps } from '../../lib/conformance/ops-files.js';
import { leaseOps } from '../../lib/conformance/ops-lease.js';
import { memoryOps } from '../../lib/conformance/ops-memory.js';
import { processOps } from '../../lib/conformance/ops-process.js';
import { verbsOps } from '../../lib/conformance/ops-verbs.js';
import { videoOps } from '../../lib/conformance/ops-video.js';

const rooms = { fileOps, leaseOps, memoryOps, processOps, verbsOps, videoOps };
/** Played by the replay itself, since they are about time. */
const ofTheReplay = ['finish', 'sleep'];

test('what the table lists and what is built are the same operations, each in one room', (t) => {
  const built = Object.values(rooms).flatMap((ops) => Object.keys(ops));
  t.deepEqual([...built, ...ofTheReplay].sort(), Object.keys(opArgs).sort());
  t.is(new Set(built).size, built.length);
});

test('arguments have known kinds, and none is both wanted and optional', (t) => {
  const kinds = new Set(['bool', 'byte', 'int', 'len', 'name', 'names', 'text']);
  for (const [op, args] of Object.entries(opArgs)) {
    for (const [name, kind] of Object.entries(args)) {
      t.true(kinds.has(kind), `${op} ${name}`);
      if (!name.endsWith('?')) t.false(`${name}?` in args, `${op} ${name}`);
    }
  }
});
