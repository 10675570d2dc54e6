// Goal: a message says what its request asked for, and where it goes.

import test from 'ava';
import type { QueuePair, SendWQE } from '../../../drivers/rdma/queue-pair.js';
import { destOf, requestOf } from '../../../drivers/rdma/wire-request.js';
import type { SendWR } from '../../../drivers/rdma/work-request.js';

const qp = (type: string, attr = {}) =>
  ({ type, attr, qpn: 17, nextSeq: 9, mtu: 1024, hca: { gid: 'fe80::a' } }) as unknown as QueuePair;

const wqe = (wr: Partial<SendWR>, ah: SendWQE['ah'] = null): SendWQE => ({
  ...{ wr: { wrId: 1, opcode: 'SEND', ...wr }, len: 8, inline: null, ah },
});

test('the peer of the connection, of the address handle, or the own adapter', (t) => {
  const connected = qp('RC', { ahAttr: { dgid: 'fe80::b' }, destQPNum: 18 });
  t.is(destOf(connected, wqe({})), 'fe80::b');
  t.is(destOf(qp('UD'), wqe({}, { dgid: 'fe80::c' })), 'fe80::c');
  t.is(destOf(qp('RC'), wqe({})), 'fe80::a');
  t.like(requestOf(connected, wqe({}), null, true), { destQPN: 18, seq: 9, srcQPN: 17, len: 8 });
});

test('each operation carries its own fields', (t) => {
  const rc = qp('RC', { destQPNum: 18 });
  const of = (wr: Partial<SendWR>) => requestOf(rc, wqe(wr), null, true);
  t.like(of({ opcode: 'ATOMIC_FETCH_AND_ADD', compareAdd: 5n, swap: 7n }), {
    ...{ kind: 'atomic', atomic: 'FETCH_AND_ADD', swapOrAdd: 5n, compare: 0n },
  });
  t.like(of({ opcode: 'ATOMIC_CMP_AND_SWP', compareAdd: 5n, swap: 7n }), {
    ...{ kind: 'atomic', atomic: 'CMP_AND_SWP', swapOrAdd: 7n, compare: 5n },
  });
  t.is(of({ opcode: 'SEND_WITH_IMM', immData: 3 }).immData, 3);
  t.is(of({ opcode: 'SEND' }).immData, undefined);
  t.is(of({ opcode: 'SEND_WITH_INV', invalidateRkey: 4 }).invalidateRkey, 4);
  t.true(of({ flags: ['solicited'] }).solicited);
  const datagram = wqe({ remoteQPN: 20, remoteQkey: 21 }, { dgid: 'fe80::c' });
  t.like(requestOf(qp('UD'), datagram, null, true), { destQPN: 20, qkey: 21 });
});
