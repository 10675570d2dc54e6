// Goal: verbs of a case go to one context of the process; a transfer answers its completion.

import test from 'ava';
import { answers, answersOf, stepsOf, type Script } from './scene.js';

const memory: Script = [
  [{ op: 'mmap', len: 8192, share: 'private', as: 'a' }, 'ok'],
  [{ op: 'store', map: 'a', off: 0, byte: '33', len: 4096 }, 'ok'],
  [{ op: 'pd', as: 'pd' }, 'ok'],
];
const rights = ['local_write', 'remote_write', 'remote_read', 'remote_atomic', 'mw_bind'];
const region = { op: 'reg_mr', pd: 'pd', map: 'a', access: rights } as const;

test('a write, a read and a send between two ends move the bytes', async (t) => {
  const script: Script = [
    ...memory,
    [{ ...region, len: 4096, as: 'src' }, 'ok'],
    [{ ...region, off: 4096, len: 4096, as: 'dst' }, 'ok'],
    [{ op: 'qp_pair', pd: 'pd', as: 'qp' }, 'ok'],
    [{ op: 'qp_state', qp: 'qp' }, 'RTS'],
    [{ op: 'rdma', qp: 'qp', verb: 'write', lmr: 'src', rmr: 'dst', len: 16 }, 'IBV_WC_SUCCESS'],
    [{ op: 'load', map: 'a', off: 4096, len: 20 }, '33*16,00*4'],
    [{ op: 'recv', qp: 'qp', mr: 'dst', off: 64, len: 8 }, 'ok'],
    [{ op: 'rdma', qp: 'qp', verb: 'send', lmr: 'src', len: 8 }, 'IBV_WC_SUCCESS'],
    [{ op: 'poll_cq', qp: 'qp' }, 'IBV_WC_SUCCESS'],
    [{ op: 'load', map: 'a', off: 4096 + 64, len: 9 }, '33*8,00*1'],
    [{ op: 'poll_cq', qp: 'qp' }, 'no completion'],
    [{ op: 'rdma', qp: 'qp', verb: 'bogus' }, 'EINVAL'],
  ];
  t.deepEqual(await answers(stepsOf(script)), answersOf(script));
});

test('objects are made and destroyed in the kernel, which refuses while they are used', async (t) => {
  const script: Script = [
    ...memory,
    [{ ...region, as: 'mr' }, 'ok'],
    [{ op: 'mw', pd: 'pd', as: 'mw' }, 'ok'],
    [{ op: 'dealloc_pd', pd: 'pd' }, 'EBUSY'],
    [{ op: 'rereg_mr', mr: 'mr', flags: ['access'], access: ['local_write'] }, 'ok'],
    [{ op: 'dealloc_mw', mw: 'mw' }, 'ok'],
    [{ op: 'dereg_mr', mr: 'mr' }, 'ok'],
    [{ op: 'dereg_mr', mr: 'mr' }, 'no handle'],
    [{ op: 'dealloc_pd', pd: 'pd' }, 'ok'],
    [{ op: 'vmpin' }, 0],
  ];
  t.deepEqual(await answers(stepsOf(script)), answersOf(script));
});
