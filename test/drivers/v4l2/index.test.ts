// Goal: the module as a whole: it is a driver as every driver should be, its picture is what its
//   README shows, and user memory on a DAX file meets the policies.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { decode } from 'fast-png';
import { complianceSuite } from '../../../lib/driver/compliance.js';
import { isErrno } from '../../../lib/errno.js';
import { bootMachine } from '../../../lib/machine.js';
import type { PolicyId } from '../../../lib/policy/index.js';
import { MiB, seconds } from '../../../lib/units.js';
import v4l2, {
  VideoClient,
  type CameraBoard,
  type V4L2State,
} from '../../../drivers/v4l2/index.js';
import { Display } from '../../../drivers/v4l2/display.js';
import { Sensor } from '../../../drivers/v4l2/sensor.js';
import { root } from '../../support/root.js';
import { frameSize, Rig } from './rig.js';
import { Watch } from './watch.js';
import { assertMachineBalanced } from '../../support/balance.js';

complianceSuite(test, {
  driver: v4l2,
  hardware: (): CameraBoard => ({ sensor: new Sensor(), display: new Display() }),
  nodes: () => ['video0', 'video1'],
  async exercise({ file, caller, map }) {
    const ioctl = (request: string, arg: unknown) => file.ioctl(caller, request, arg);
    await ioctl('S_FMT', { width: 320, height: 180, pixelformat: 'GREY' });
    await ioctl('REQBUFS', { count: 2, memory: 'MMAP' });
    await ioctl('QBUF', { index: 0 });
    await ioctl('STREAMON', {});
    await ioctl('DQBUF', {});
    await ioctl('STREAMOFF', {});
    await ioctl('REQBUFS', { count: 2, memory: 'USERPTR' });
    const userptr = await map(15);
    await ioctl('QBUF', { index: 1, memory: 'USERPTR', userptr, length: 57600 });
    await ioctl('STREAMON', {});
    await ioctl('DQBUF', {});
    await ioctl('CREATE_BUFS', { count: 3, memory: 'USERPTR' });
  },
});

test('the picture in the README is the frame that its code captures', async (t) => {
  const rig = await Rig.open(t, { flags: ['rdwr'] });
  const { value: frame } = await rig.run(rig.cam.frames().next());
  const shown = decode(readFileSync(join(root, 'drivers/v4l2/frame.png')));
  t.deepEqual(new Uint8Array(shown.data), await rig.run(frame!.rgb()));
});

/** What came of a user buffer on a DAX file that is truncated to nothing while it is queued. */
interface Outcome {
  readonly qbuf: string;
  readonly truncate: string;
  /** The flags of the first buffer that comes after the truncate. */
  readonly frame: string;
  readonly stray: boolean;
}

async function truncateUnderCamera(t: ExecutionContext, policy: PolicyId): Promise<Outcome> {
  const machine = await bootMachine({
    kernel: 'proposed',
    clock: 'virtual',
    timers: 'manual',
    seed: 1,
    size: 16 * MiB,
    ram: 32 * MiB,
    drivers: [v4l2],
    mounts: { '/': { flavor: 'ext4', dax: true, policy } },
  });
  const answer = async <T>(promise: Promise<T>, show: (value: T) => string): Promise<string> => {
    promise.catch(() => {});
    if (!(await machine.sched.runUntil(promise, seconds(5)))) return 'hung';
    return promise.then(show, (e: unknown) => (isErrno(e) ? e.code : String(e)));
  };
  const must = async <T>(promise: Promise<T>): Promise<T> => {
    await machine.sched.runUntil(promise, seconds(5));
    return promise;
  };
  const app = machine.spawn('app');
  const fd = await must(app.open('/data', ['rdwr', 'creat']));
  await must(app.write(fd, 0, new Uint8Array(MiB)));
  const userptr = await must(app.mmap({ fd, len: MiB, prot: 'rw', share: 'shared' }));
  const camera = (await must(app.openDevice('video0'))) as unknown as VideoClient;
  const watch = new Watch();
  const { capture } = machine.drivers.device('v4l20').driverState as V4L2State;
  watch.attach(camera.io, capture.node.queue);
  await must(camera.setFormat({ width: 640, height: 360, pixelformat: 'YUYV' }));
  await must(camera.requestBuffers({ count: 2, memory: 'USERPTR' }));
  await must(camera.streamOn());
  await machine.sched.runFor(seconds(0.05));
  const arg = { index: 0, memory: 'USERPTR', userptr, length: frameSize } as const;
  const qbuf = await answer(camera.queueBuffer(arg), () => 'ok');
  const admin = machine.spawn('admin');
  const truncate = await answer(admin.truncate('/data', 0), () => 'ok');
  const frame =
    qbuf === 'ok' ? await answer(camera.dequeueBuffer(), ({ flags }) => flags.join(' ')) : 'none';
  const stray = machine.referee.verdict().stray.length > 0;
  await must(camera.close()); // whoever waited for the pins goes on
  await assertMachineBalanced(t, machine);
  watch.settle();
  return { qbuf, truncate, frame, stray };
}

const good = 'TIMESTAMP_MONOTONIC';
const failed = 'ERROR TIMESTAMP_MONOTONIC';

const table: [policy: PolicyId, qbuf: string, truncate: string, frame: string, stray: boolean][] = [
  ['forbid', 'EOPNOTSUPP', 'ok', 'none', false],
  ['wait', 'ok', 'hung', good, false],
  ['ebusy', 'ok', 'EBUSY', good, false],
  ['revoke', 'ok', 'ok', failed, false],
  ['orphan', 'ok', 'ok', good, false],
  ['busy-extent', 'ok', 'ok', good, false],
  ['none', 'ok', 'ok', good, true],
];

for (const [policy, qbuf, truncate, frame, stray] of table) {
  const dma = stray ? 'stray' : 'safe';
  test(`${policy}: QBUF ${qbuf}, truncate ${truncate}, ${frame}, ${dma}`, async (t) => {
    t.deepEqual(await truncateUnderCamera(t, policy), { qbuf, truncate, frame, stray });
  });
}
