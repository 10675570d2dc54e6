// Goal: the calls that v4l2-compliance makes on vivid, in the language of the cases, are answered
//   as the sources of each kernel say.
// Method: the tool's parts as steps; each answer is the rule's (videobuf2-core.c, videobuf2-v4l2.c,
//   vivid-vid-cap.c), no recording. Where kernels differ an answer has one entry for each.

import test from 'ava';
import { replayCase } from '../../lib/conformance/replay.js';
import type { Answer, Step } from '../../lib/conformance/case.js';

const kernels = ['6.1', '6.12', '7.2'] as const;
type ByKernel = Answer | readonly [Answer, Answer, Answer];
type Row = readonly [step: Step, answer: ByKernel];

const open = (as: string, flags = ['nonblock']): Row => [{ op: 'v_open', as, flags }, 'ok'];
const req = (fd: string, mem: string, count: number, answer: ByKernel): Row => [
  { op: 'v_reqbufs', fd, mem, count },
  answer,
];
const buf = (op: string, i: number, answer: ByKernel, more: object = {}): Row => [
  { op, fd: 'v', mem: 'mmap', i, ...more },
  answer,
];
const on = (op: string, answer: ByKernel, more: object = {}): Row => [
  { op, fd: 'v', ...more },
  answer,
];

const testQueryBuf = (mem: string, count: number): Row[] => [
  ...Array.from({ length: count }, (_, i) => buf('v_querybuf', i, `index=${i} flags=0`, { mem })),
  buf('v_querybuf', count, 'EINVAL', { mem }),
];

/** testReqBufs, for one kind of memory and two open files. */
const testReqBufs = (mem: string): Row[] => [
  ...[open('v'), open('w')],
  [{ op: 'v_reqbufs', fd: 'v', mem: 'none', count: 0, type: 0 }, 'EINVAL'],
  [{ op: 'v_reqbufs', fd: 'v', mem, count: 0, type: 2 }, 'EINVAL'],
  req('v', mem, 0, 'count=0'),
  req('v', mem, 1, 'count=2'),
  req('v', mem, 1, 'count=2'),
  ...testQueryBuf(mem, 2),
  on('v_read', 'EBUSY', { len: 1 }),
  req('v', mem, 0, 'count=0'),
  req('v', mem, 1, 'count=2'),
  req('w', mem, 1, 'EBUSY'),
  req('w', mem, 0, 'EBUSY'),
  req('v', mem, 0, 'count=0'),
  req('w', mem, 1, 'count=2'),
  req('w', mem, 0, 'count=0'),
  req('v', mem, 0, 'count=0'),
  // vid_cap_queue_setup() of 6.1 makes the first buffer two.
  on('v_create', ['index=0 count=2', 'index=0 count=1', 'index=0 count=1'], { mem, count: 1 }),
  on('v_create', ['index=2 count=1', 'index=1 count=1', 'index=1 count=1'], { mem, count: 1 }),
  on('v_create', ['index=3 count=0', 'index=2 count=0', 'index=2 count=0'], { mem, count: 0 }),
  [{ op: 'v_create', fd: 'w', mem, count: 1 }, 'EBUSY'],
  [
    { op: 'v_create', fd: 'w', mem, count: 0 },
    ['index=3 count=0', 'index=2 count=0', 'index=2 count=0'],
  ],
  req('v', mem, 0, 'count=0'),
];

const testCreateBufsMax: Row[] = [
  open('v'),
  on('v_create', ['index=0 count=32', 'index=0 count=64', 'index=0 count=64'], {
    mem: 'userptr',
    count: 64,
  }),
  on('v_create', 'ENOBUFS', { mem: 'userptr', count: 1 }),
  on('v_create', 'ENOBUFS', { mem: 'mmap', count: 1 }),
  req('v', 'userptr', 0, 'count=0'),
];

const testExpBuf: Row[] = [
  open('v'),
  req('v', 'mmap', 2, 'count=2'),
  ...[0, 1].map((i) => buf('v_expbuf', i, 'ok', { as: `e${i}` })),
  ...[0, 1].map((i) => buf('v_querybuf', i, `index=${i} flags=MAPPED`)),
  buf('v_expbuf', 2, 'EINVAL'),
  req('v', 'mmap', 0, 'count=0'),
  req('v', 'userptr', 2, 'count=2'),
  buf('v_expbuf', 0, 'EINVAL'),
];

/** setupMmap and captureBufs. */
const testMmap: Row[] = [
  open('v'),
  on('v_fmt', '640x360 YUYV bytesperline=1280 sizeimage=460800', {
    w: 640,
    h: 360,
    fourcc: 'YUYV',
  }),
  on('v_streamon', 'EINVAL'),
  on('v_streamoff', 'ok'),
  req('v', 'mmap', 1, 'count=2'),
  on('v_streamoff', 'ok'),
  ...[0, 1].map((i) => buf('v_qbuf', i, `index=${i} flags=QUEUED`)),
  on('v_streamoff', 'ok'),
  ...[0, 1].map((i) => buf('v_qbuf', i, `index=${i} flags=QUEUED`)),
  req('v', 'mmap', 2, 'count=2'),
  on('v_create', 'index=2 count=0', { mem: 'mmap', count: 0 }),
  on('v_create', 'index=2 count=1', { mem: 'mmap', count: 1 }),
  ...[0, 1, 2].flatMap((i): Row[] => [
    buf('v_querybuf', i, `index=${i} flags=0`),
    on('v_dqbuf', 'EINVAL'),
    buf('v_prepare', i, `index=${i} flags=PREPARED`),
    buf('v_querybuf', i, `index=${i} flags=PREPARED`),
    buf('v_prepare', i, 'EINVAL'),
    buf('v_qbuf', i, `index=${i} flags=QUEUED`),
    buf('v_qbuf', i, 'EINVAL'),
    buf('v_prepare', i, 'EINVAL'),
    buf('v_prepare', i + 32, 'EINVAL'),
    buf('v_qbuf', i + 32, 'EINVAL'),
    buf('v_querybuf', i + 32, 'EINVAL'),
    buf('v_querybuf', i, `index=${i} flags=QUEUED`),
    on('v_dqbuf', 'EINVAL'),
  ]),
  ...[0, 1, 2].map((i) => buf('v_mmap', i, 'ok', { as: `m${i}` })),
  on('v_streamon', 'ok'),
  on('v_streamon', 'ok'),
  ...[0, 1, 2, 0].flatMap((i): Row[] => [
    on('v_poll', 'POLLIN', { ms: 2000 }),
    on('v_dqbuf', `index=${i} flags=MAPPED bytesused=460800`),
    buf('v_qbuf', i, `index=${i} flags=MAPPED|QUEUED`),
  ]),
  on('v_streamoff', 'ok'),
  on('v_streamoff', 'ok'),
  req('v', 'mmap', 0, 'count=0'),
];

const user = { mem: 'userptr', map: 'm', off: 4088, len: 460800 };
const testUserPtr: Row[] = [
  open('v'),
  on('v_fmt', '640x360 YUYV bytesperline=1280 sizeimage=460800', {
    w: 640,
    h: 360,
    fourcc: 'YUYV',
  }),
  [{ op: 'mmap', as: 'm', len: 1 << 20, share: 'private' }, 'ok'],
  req('v', 'userptr', 1, 'count=2'),
  buf('v_mmap', 0, 'EINVAL', { as: 'no' }),
  buf('v_prepare', 0, 'EINVAL', { mem: 'userptr' }),
  buf('v_qbuf', 0, 'EINVAL', { mem: 'userptr' }),
  buf('v_prepare', 0, 'index=0 flags=PREPARED', user),
  buf('v_qbuf', 0, 'index=0 flags=QUEUED', user),
  buf('v_qbuf', 1, 'EINVAL', { ...user, mem: 'mmap' }),
  on('v_streamon', 'ok'),
  on('v_poll', 'POLLIN', { ms: 2000 }),
  on('v_dqbuf', 'index=0 flags=0 bytesused=460800', { mem: 'userptr' }),
  on('v_streamoff', 'ok'),
  req('v', 'userptr', 0, 'count=0'),
];

const testDmaBuf: Row[] = [
  open('v'),
  req('v', 'dmabuf', 1, 'count=2'),
  buf('v_mmap', 0, 'EINVAL', { as: 'no' }),
  buf('v_prepare', 0, 'EINVAL', { mem: 'dmabuf' }),
  buf('v_qbuf', 0, 'EINVAL', { mem: 'dmabuf' }),
  on('v_streamon', 'ok'),
  on('v_poll', 'POLLERR', { ms: 100 }),
  on('v_dqbuf', 'EAGAIN', { mem: 'dmabuf' }),
  on('v_streamoff', 'ok'),
];

const testBlockingWait: Row[] = [
  open('v', []),
  req('v', 'mmap', 2, 'count=2'),
  on('v_streamon', 'ok'),
  [{ op: 'v_dqbuf', fd: 'v', as: 'wait', bg: true }, 'blocked'],
  [{ op: 'sleep', ms: 1000 }, 'ok'],
  [{ op: 'v_dqbuf', fd: 'v' }, 'EBUSY'],
  on('v_streamoff', 'ok'),
  [{ op: 'finish', of: 'wait' }, 'EINVAL'],
];

const parts: Readonly<Record<string, readonly Row[]>> = {
  'testReqBufs mmap': testReqBufs('mmap'),
  'testReqBufs userptr': testReqBufs('userptr'),
  'testReqBufs dmabuf': testReqBufs('dmabuf'),
  ...{ testCreateBufsMax, testExpBuf, testMmap, testUserPtr, testDmaBuf, testBlockingWait },
};

for (const [name, rows] of Object.entries(parts)) {
  for (const [k, kernel] of kernels.entries()) {
    test(`${name} on ${kernel}: ${rows.length} calls are answered by the sources' rules`, async (t) => {
      const answers = rows.map(
        ([, answer]) => (Array.isArray(answer) ? answer[k] : answer) as Answer,
      );
      const steps = rows.map(([step]) => step);
      const one = { id: name, title: name, area: 'v4l2', steps, linux: { [kernel]: answers } };
      t.deepEqual((await replayCase(one, kernel)).differ, []);
    });
  }
}
