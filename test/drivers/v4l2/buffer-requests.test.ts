// Goal: the buffer requests exist where the kernel has them.

import test from 'ava';
import { bufferRequests } from '../../../drivers/v4l2/buffer-requests.js';
import { Bench } from './bench.js';

const everywhere = [
  'CREATE_BUFS',
  'DQBUF',
  'EXPBUF',
  'PREPARE_BUF',
  'QBUF',
  'QUERYBUF',
  'REQBUFS',
  'STREAMOFF',
  'STREAMON',
];

test('both nodes have every buffer request; REMOVE_BUFS from 6.10 on', (t) => {
  for (const [kernel, more] of [
    ['6.1', []],
    ['6.12', ['REMOVE_BUFS']],
    ['7.2', ['REMOVE_BUFS']],
  ] as const) {
    const { capture, output } = new Bench({ kernel }).state;
    for (const node of [capture, output]) {
      t.deepEqual(Object.keys(bufferRequests(node)).sort(), [...everywhere, ...more].sort());
    }
  }
});
