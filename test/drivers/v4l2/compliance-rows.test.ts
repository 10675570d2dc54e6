// Goal: every row of v4l2-compliance's buffer tests has a test that is named after it.
// Method: the rows in the order of the tool, each with the beginnings of its tests' titles; all of
//   them must be there. Rows about the Request API are not built (README).

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { root } from '../../support/root.js';

/** [test of the tool, row, titles] */
const rows: readonly (readonly [part: string, row: string, ...titles: string[]])[] = [
  ['QueryBuf', 'index 0 to count - 1 is unqueued', 'QueryBuf: each buffer is unqueued at first'],
  ['QueryBuf', 'index = count', 'QueryBuf: each buffer is unqueued at first, and index = count'],
  ['ReqBufs', 'type 0, memory 0', 'ReqBufs: type 0, memory 0 is EINVAL'],
  ['ReqBufs', 'REQBUFS(0) per memory kind', 'ReqBufs: REQBUFS(0) of each memory kind agrees'],
  ['ReqBufs', 'REQBUFS(1), repeated while idle', 'ReqBufs: REQBUFS(1) gives at least one'],
  ['ReqBufs', 'read() and write() with buffers', 'ReqBufs: with buffers allocated, read() and'],
  ['ReqBufs', 'a second open file', 'ReqBufs: a second open file is EBUSY until'],
  [
    'ReqBufs',
    'NON_COHERENT',
    'ReqBufs: NON_COHERENT is cleared unless',
    'REQBUFS: with cache hints',
  ],
  ['CreateBufs', 'count 0', 'CreateBufs: count 0 is OK, and its index is the current count'],
  ['CreateBufs', 'num_planes 0, too few, too many, size 0', 'CreateBufs: num_planes 0, too few'],
  ['CreateBufs', 'sizeimage 0, half size', 'CreateBufs: sizeimage 0 and half the size are EINVAL'],
  [
    'CreateBufs',
    'size + 1 MiB',
    'CreateBufs: sizeimage 0 and half the size are EINVAL; 1 MiB more',
  ],
  ['CreateBufs', 'other coherency', 'CreateBufs: another coherency than the buffers there are'],
  [
    'CreateBufsMax',
    'up to max, one more ENOBUFS',
    'CreateBufsMax: create up to max is OK, one more',
  ],
  ['RemoveBufs', 'count 0, any index', 'RemoveBufs: count 0 is OK at any index'],
  ['RemoveBufs', 'bad type', 'RemoveBufs: count 0 is OK at any index, a bad type EINVAL even then'],
  [
    'RemoveBufs',
    '1 buffer',
    'RemoveBufs: of one buffer, remove(1,1) EINVAL, remove(0,1) OK, again',
  ],
  ['RemoveBufs', '4 buffers, remove(1,2), create 3', 'RemoveBufs: holes are skipped by what does'],
  [
    'RemoveBufs',
    'bad ranges; the hole is filled',
    'RemoveBufs: holes are skipped by what does not',
  ],
  [
    'ExpBuf',
    'every plane of every buffer',
    'ExpBuf: REQBUFS(2), every buffer',
    'ExpBuf: every plane',
  ],
  ['ReadWrite', 'non-blocking read of 1 byte', 'ReadWrite: a non-blocking read of 1 byte'],
  ['ReadWrite', 'no READWRITE cap', 'ReadWrite: without READWRITE it is EINVAL, also after close'],
  ['Mmap', 'STREAMON without buffers', 'Mmap: STREAMON without buffers is EINVAL, STREAMOFF OK'],
  ['Mmap', 'queue all, STREAMOFF, queue all', 'Mmap: STREAMOFF returns every queued buffer'],
  ['Mmap', 'REQBUFS again while queued', 'Mmap: REQBUFS again while queued but not streaming'],
  ['Mmap', 'mmap at offset + 0xdeadbeef', 'Mmap: mmap at offset + 0xdeadbeef fails'],
  ['Mmap', 'DQBUF before STREAMON', 'Mmap: DQBUF before STREAMON fails'],
  ['Mmap', 'PREPARE twice; queued; index + 32', 'Mmap: PREPARE twice, QBUF and PREPARE of a'],
  ['Mmap', 'output: bytesused, data_offset', 'Mmap: output, bytesused = length + 1 or data_offset'],
  ['Mmap', 'output: QBUF after PREPARE', 'Mmap: after PREPARE, QBUF with bytesused 0xdeadbeef'],
  ['Mmap', 'cache hints', 'Mmap: cache hint flags are cleared', 'cache hints are kept with the'],
  ['Mmap', 'injected start error', 'Mmap: STREAMON with an injected start error fails; the next'],
  ['Mmap', 'N frames, 2 s', 'Mmap: frames are captured, each within 2 s', 'Mmap: ${way} N frames'],
  ['Mmap', 'EPOLL_CTL_MOD after an empty ADD', 'Mmap: after a poll for nothing', 'Mmap: ${way} N'],
  ['Mmap', 'STREAMOFF twice', 'Mmap: STREAMOFF twice is OK'],
  ['Mmap', 'REQBUFS(0) while mapped', 'Mmap: REQBUFS(0) with buffers still mapped is OK'],
  ['UserPtr', 'mmap on the queue', 'UserPtr: mmap on the queue fails'],
  ['UserPtr', 'NULL or unmapped pointer', 'UserPtr: PREPARE and QBUF with NULL or an unmapped'],
  ['UserPtr', '8 bytes before a page end', 'UserPtr: 8 bytes before a page end works, nothing'],
  ['UserPtr', 'unchanged after QBUF', 'UserPtr: QBUF leaves pointer and length alone, cache'],
  ['UserPtr', 'N frames', 'UserPtr: ${way} N frames, waiting by ${waiting}'],
  ['DmaBuf', 'mmap on the queue', 'DmaBuf: mmap on the queue fails'],
  ['DmaBuf', 'a bad fd', 'DmaBuf: what is no dma-buf fails in PREPARE and QBUF'],
  ['DmaBuf', 'REQBUFS(0) of the exporter', 'DmaBuf: REQBUFS(0) of the exporter is OK while'],
  [
    'DmaBuf',
    'N frames',
    'DmaBuf: ${way} N frames, waiting by ${waiting}',
    'DmaBuf: frames captured',
  ],
  ['BlockingWait', '1 s, then STREAMOFF', 'BlockingWait: DQBUF on an empty queue waits beyond 1 s'],
  [
    'Requests',
    'not built',
    'Requests are not built: QBUF with one is EBADR, PREPARE with one EINVAL',
  ],
  [
    'QBUF',
    'error, state',
    'QBUF: error EIO first, then the state',
    'QBUF of a buffer in each other',
  ],
  ['QBUF', 'prepare failure passes', 'a refusal of the driver gives user memory back and keeps'],
  ['QBUF', 'deferred start', 'the driver is started at the QBUF', 'a deferred start that fails is'],
  ['DQBUF', 'the guards in order', 'DQBUF: waiter EBUSY, then off EINVAL, error EIO, last EPIPE'],
  ['STREAMON', 'fewer buffers than needed', 'STREAMON with fewer buffers than the minimum is'],
  ['STREAMOFF', 'returns all, wakes waiters', 'STREAMOFF returns all, drops what was done, wakes'],
  ['STREAMOFF', 'keeps USERPTR pins', 'pins stay until another pointer or REQBUFS(0)'],
  ['EXPBUF', 'memory, flags, plane, file I/O', 'ExpBuf: REQBUFS(2)', 'poll without buffers starts'],
  ['mmap', 'shared, prot, memory, offset', 'Mmap: a private mapping, one that cannot be read and'],
  ['REMOVE_BUFS', 'a buffer not DEQUEUED', 'RemoveBufs: a buffer that is not dequeued is EBUSY'],
  [
    'invariants',
    'on any v4l2_buffer',
    'broken and found: ${rule}',
    'each rule of the memory holds',
  ],
];

const here = join(root, 'test/drivers/v4l2');
const titles = readdirSync(here)
  .filter((name) => name.endsWith('.test.ts') && name !== 'compliance-rows.test.ts')
  .flatMap((name) => [
    ...readFileSync(join(here, name), 'utf8').matchAll(/^ *test\(\s*(['"`])(.*?)\1,/gms),
  ])
  .map(([, , title]) => title!);

for (const [part, row, ...wanted] of rows) {
  test(`${part}, ${row}: has its tests`, (t) => {
    t.true(wanted.length > 0);
    for (const start of wanted) {
      t.true(
        titles.some((title) => title.startsWith(start)),
        `no test begins '${start}'`,
      );
    }
  });
}
