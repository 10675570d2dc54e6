// Goal: after the timeout of a break every access to a MAP_DIRECT mapping is SIGBUS, whatever part
// of the file was to change, and whether or not anybody still waits for it.
// Method: a mapping of four pages on a whole machine; the clock is moved to the timeout.

import test, { type ExecutionContext } from 'ava';
import type { Machine, MemoryFault, Process } from '../../lib/machine.js';
import { PAGE_SIZE, seconds } from '../../lib/units.js';
import { answer, makeFile, onMachine } from '../support/machine.js';

const len = 4 * PAGE_SIZE;

interface Scene {
  readonly machine: Machine;
  readonly app: Process;
  readonly admin: Process;
  readonly fd: number;
  readonly addr: number;
}

/** A process that ignores SIGIO, a MAP_DIRECT mapping of it with every page present. */
function onMapping(t: ExecutionContext, body: (scene: Scene) => Promise<void>): Promise<void> {
  const mounts = { '/': { flavor: 'ext4', dax: true, policy: 'map-direct' } } as const;
  return onMachine(t, { kernel: 'proposed', mounts }, async (machine) => {
    const [app, admin] = [machine.spawn('app'), machine.spawn('admin')];
    app.ignore('SIGIO');
    app.on('SIGBUS', () => {});
    await makeFile(app, '/f', len);
    const fd = await app.open('/f', ['rdwr']);
    const addr = await app.mmap({ fd, len, prot: 'rw', share: 'shared', direct: true });
    await app.store(addr, new Uint8Array(len).fill(7));
    await body({ machine, app, admin, fd, addr });
  });
}

/** What loads of the first and the last byte answer: the byte, or the code of a SIGBUS. */
const loads = ({ app, addr }: Scene): Promise<(number | string)[]> =>
  Promise.all(
    [0, len - 1].map((pos) =>
      app.load(addr + pos, 1).then(
        ([byte]) => byte!,
        (e: unknown) => (e as MemoryFault).code,
      ),
    ),
  );

test('a change of one page takes the whole mapping', (t) =>
  onMapping(t, async (scene) => {
    const { machine, app, admin, fd } = scene;
    const truncate = answer(machine, admin.truncate('/f', len - 1), seconds(60));
    t.is(await truncate, 'ok');
    await machine.sched.settle();
    t.is(machine.clock.nowNs, seconds(45));
    t.deepEqual(await loads(scene), ['BUS_ADRERR', 'BUS_ADRERR']);
    t.deepEqual(await app.read(fd, 0, 1), Uint8Array.of(7), 'the bytes are there');
  }));

test('nobody need wait: the break that was begun runs out of time by itself', (t) =>
  onMapping(t, async (scene) => {
    const { machine, admin, app, fd } = scene;
    const theirs = await admin.open('/f', ['rdwr', 'nonblock']);
    t.is(await answer(machine, admin.write(theirs, 0, Uint8Array.of(1))), 'EAGAIN');
    t.deepEqual(await loads(scene), [7, 7]);
    await machine.sched.runFor(seconds(45));
    t.deepEqual(await loads(scene), ['BUS_ADRERR', 'BUS_ADRERR']);
    const plain = await app.mmap({ fd, len, prot: 'r', share: 'shared' });
    t.deepEqual(await app.load(plain, 1), Uint8Array.of(7), 'other mappings fault again');
  }));

test('with lease-break-time 0 it never runs out', (t) =>
  onMapping(t, async (scene) => {
    const { machine, admin } = scene;
    machine.leases.breakTimeNs = 0;
    const theirs = await admin.open('/f', ['rdwr', 'nonblock']);
    t.is(await answer(machine, admin.write(theirs, 0, Uint8Array.of(1))), 'EAGAIN');
    await machine.sched.runFor(seconds(1000));
    t.deepEqual(await loads(scene), [7, 7]);
  }));

test('a mapping that goes in time goes unharmed', (t) =>
  onMapping(t, async (scene) => {
    const { machine, app, admin, fd, addr } = scene;
    const truncate = answer(machine, admin.truncate('/f', PAGE_SIZE), seconds(60));
    await machine.sched.runFor(seconds(44));
    await app.munmap(addr, len);
    t.is(await truncate, 'ok');
    const again = await app.mmap({ fd, len, prot: 'rw', share: 'shared', direct: true });
    await machine.sched.runFor(seconds(10));
    t.deepEqual(await app.load(again, 1), Uint8Array.of(7), 'it has a lease of its own');
  }));
