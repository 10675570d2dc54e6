// Goal: posting refuses by EINVAL what no adapter could carry out, and passes everything else.

import test from 'ava';
import {
  checkRecvWR,
  checkSendWR,
  type RecvWR,
  type SendLimits,
  type SendWR,
} from '../../../drivers/rdma/work-request.js';

const rc: SendLimits = { type: 'RC', maxSGE: 2, maxInline: 64 };
const sge = { addr: 4096, len: 8, lkey: 1 };
const remote = { remoteAddr: 4096, rkey: 1 };

const good: readonly [SendWR, number][] = [
  [{ wrId: 1, opcode: 'SEND' }, 0],
  [{ wrId: 1, opcode: 'SEND', sgList: [sge, sge] }, 16],
  [{ wrId: 1, opcode: 'RDMA_WRITE', sgList: [sge], ...remote }, 8],
  [{ wrId: 1, opcode: 'RDMA_READ', sgList: [{ ...sge, len: 0 }], ...remote }, 0],
  [{ wrId: 1, opcode: 'ATOMIC_FETCH_AND_ADD', sgList: [sge], ...remote, compareAdd: 1n }, 8],
  [{ wrId: 1, opcode: 'LOCAL_INV', invalidateRkey: 5 }, 0],
];

test('requests that can be carried out pass, with their length', (t) => {
  for (const [wr, len] of good) t.is(checkSendWR(wr, rc), len);
});

const bad: readonly [what: string, wr: unknown, limits?: SendLimits][] = [
  ['no request', null],
  ['no opcode', { wrId: 1 }],
  ['an opcode that does not exist', { wrId: 1, opcode: 'JUMP' }],
  ['READ on UD', { wrId: 1, opcode: 'RDMA_READ', ...remote }, { ...rc, type: 'UD' }],
  ['a fraction as wrId', { wrId: 1.5, opcode: 'SEND' }],
  ['an unknown flag', { wrId: 1, opcode: 'SEND', flags: ['loud'] }],
  ['too many entries', { wrId: 1, opcode: 'SEND', sgList: [sge, sge, sge] }],
  ['an entry without address', { wrId: 1, opcode: 'SEND', sgList: [{ len: 8, lkey: 1 }] }],
  ['a negative length', { wrId: 1, opcode: 'SEND', sgList: [{ ...sge, len: -1 }] }],
  ['a message above 2^31', { wrId: 1, opcode: 'SEND', sgList: [{ ...sge, len: 2 ** 31 + 1 }] }],
  ['WRITE without rkey', { wrId: 1, opcode: 'RDMA_WRITE', sgList: [sge], remoteAddr: 0 }],
  ['NaN as remote address', { wrId: 1, opcode: 'RDMA_WRITE', rkey: 1, remoteAddr: NaN }],
  ['an atomic of 4 bytes', atomic({ sgList: [{ ...sge, len: 4 }] })],
  ['an unaligned atomic', atomic({ remoteAddr: 4100 })],
  ['an atomic operand of 65 bits', atomic({ compareAdd: 2n ** 64n })],
  ['an atomic operand that is a number', atomic({ compareAdd: 1 })],
  ['LOCAL_INV with data', { wrId: 1, opcode: 'LOCAL_INV', invalidateRkey: 1, sgList: [sge] }],
  ['LOCAL_INV of nothing', { wrId: 1, opcode: 'LOCAL_INV' }],
  ['BIND_MW of nothing', { wrId: 1, opcode: 'BIND_MW' }],
  ['an inline READ', { wrId: 1, opcode: 'RDMA_READ', ...remote, flags: ['inline'] }],
  [
    'too much inline',
    { wrId: 1, opcode: 'SEND', sgList: [{ ...sge, len: 65 }], flags: ['inline'] },
  ],
  ['a datagram without address', { wrId: 1, opcode: 'SEND' }, { ...rc, type: 'UD' }],
  ['SEND_WITH_INV of nothing', { wrId: 1, opcode: 'SEND_WITH_INV' }],
];

function atomic(over: object): object {
  const base = { wrId: 1, opcode: 'ATOMIC_CMP_AND_SWP', sgList: [sge], ...remote };
  return { ...base, compareAdd: 0n, swap: 0n, ...over };
}

for (const [what, wr, limits] of bad) {
  test(`${what} is EINVAL`, (t) => {
    t.throws(() => checkSendWR(wr as SendWR, limits ?? rc), { message: /^EINVAL/ });
  });
}

test('receive requests are checked alike', (t) => {
  t.is(checkRecvWR({ wrId: 1, sgList: [sge] }, 1), 8);
  t.is(checkRecvWR({ wrId: 1 }, 1), 0);
  for (const wr of [null, { wrId: -1 }, { wrId: 1, sgList: [sge, sge] }, { wrId: 1, sgList: 5 }]) {
    t.throws(() => checkRecvWR(wr as unknown as RecvWR, 1), { message: /^EINVAL/ });
  }
});
