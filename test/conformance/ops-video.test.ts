// Goal: video of a case is the node of the camera, with buffers shown as the recorder wrote them.

import test from 'ava';
import { answers, answersOf, stepsOf, type Script } from './scene.js';

const v = { fd: 'v' } as const;

test('a camera streams into its buffers', async (t) => {
  const script: Script = [
    [{ op: 'v_open', as: 'v' }, 'ok'],
    [
      { op: 'v_fmt', ...v, w: 320, h: 180, fourcc: 'YUYV' },
      '320x180 YUYV bytesperline=640 sizeimage=115200',
    ],
    [{ op: 'v_reqbufs', ...v, mem: 'mmap', count: 2 }, 'count=2'],
    [{ op: 'v_querybuf', ...v, i: 0 }, 'index=0 flags=0'],
    [{ op: 'v_querybuf', ...v, i: 9 }, 'EINVAL'],
    [{ op: 'v_qbuf', ...v, i: 0 }, 'index=0 flags=QUEUED'],
    [{ op: 'v_qbuf', ...v, i: 0 }, 'EINVAL'],
    [{ op: 'v_dqbuf', ...v }, 'EINVAL'],
    [{ op: 'v_streamon', ...v }, 'ok'],
    [{ op: 'v_qbuf', ...v, i: 1 }, 'index=1 flags=QUEUED'],
    [{ op: 'v_poll', ...v, ms: 1000 }, 'POLLIN'],
    [{ op: 'v_dqbuf', ...v, show: 'ok' }, 'ok'],
    [{ op: 'v_streamoff', ...v }, 'ok'],
    [{ op: 'v_reqbufs', ...v, mem: 'mmap', count: 0 }, 'count=0'],
    [{ op: 'close', fd: 'v' }, 'ok'],
  ];
  t.deepEqual(await answers(stepsOf(script)), answersOf(script));
});

test('a camera captures into memory of the process, and into none of nobody', async (t) => {
  const script: Script = [
    [{ op: 'v_open', as: 'v' }, 'ok'],
    [
      { op: 'v_fmt', ...v, w: 320, h: 180, fourcc: 'YUYV' },
      '320x180 YUYV bytesperline=640 sizeimage=115200',
    ],
    [{ op: 'mmap', len: 118784, share: 'private', as: 'm' }, 'ok'],
    [{ op: 'v_reqbufs', ...v, mem: 'userptr', count: 2 }, 'count=2'],
    [{ op: 'v_qbuf', ...v, mem: 'userptr', i: 0, map: 'm' }, 'index=0 flags=QUEUED'],
    [{ op: 'v_reqbufs', ...v, mem: 'userptr', count: 0 }, 'count=0'],
    [{ op: 'v_reqbufs', ...v, mem: 'bogus', count: 1 }, 'EINVAL'],
  ];
  t.deepEqual(await answers(stepsOf(script)), answersOf(script));
});
