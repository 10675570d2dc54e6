// Goal: each opcode is for the queue pairs that the standard gives it to.

import test from 'ava';
import { opcodes, type WROpcode } from '../../../drivers/rdma/opcode.js';

const kinds = Object.entries(opcodes) as [WROpcode, (typeof opcodes)[WROpcode]][];

test('a datagram queue pair only sends; READ and atomics are for RC alone', (t) => {
  const of = (type: 'RC' | 'UC' | 'UD') =>
    kinds.filter(([, o]) => o.qpTypes.includes(type)).map(([name]) => name);
  t.deepEqual(of('UD'), ['SEND', 'SEND_WITH_IMM']);
  t.is(of('RC').length, kinds.length);
  t.deepEqual(
    of('RC').filter((name) => !of('UC').includes(name)),
    ['RDMA_READ', 'ATOMIC_FETCH_AND_ADD', 'ATOMIC_CMP_AND_SWP'],
  );
});

test('only what carries data out can be inline', (t) => {
  for (const [, o] of kinds) t.is(o.inline, o.kind === 'send' || o.kind === 'write');
});
