// Planted bugs on whole machines: what Linux had, or has when nobody checks, under its own rules.
//
// The defect is a row of kernelRules or a policy; the applications make system calls and nothing
// else. The twin is the same scenario on a kernel, or under a policy, that has it right.

import nullDriver from '../../../drivers/null/index.js';
import rdma from '../../../drivers/rdma/index.js';
import type { Machine } from '../../machine.js';
import { isErrno } from '../../errno.js';
import { KiB, PAGE_SIZE, seconds } from '../../units.js';
import type { Race } from '../scenario.js';
import { type MachineWorldOptions, machineWorld } from '../world/machine-world.js';
import { connectPort, openPort } from '../world/verbs-port.js';
import { type Planted, twinOf } from './planted.js';

interface Spec extends Omit<Planted, 'make' | 'ground'> {
  readonly title: string;
  readonly broken: MachineWorldOptions;
  readonly repaired: MachineWorldOptions;
}

function planted(
  { title, broken: withBug, repaired, ...about }: Spec,
  body: (race: Race, machine: Machine) => Promise<void>,
): Planted {
  return {
    ...about,
    ground: 'machine',
    make: (broken) => ({
      name: broken ? about.name : twinOf(about.name),
      title,
      world: machineWorld(broken ? withBug : repaired),
      reset: 'restore',
      body: (race, machine) => body(race, machine as Machine),
    }),
  };
}

/** An adapter and its objects need more memory than a file does. */
const roomy = { size: 512 * KiB, ram: 512 * KiB };

const onePage = (byte: number): Uint8Array => new Uint8Array(PAGE_SIZE).fill(byte);

/** A process with one page of /data mapped, and its page faulted in for writing. */
async function mapped(machine: Machine) {
  const app = machine.spawn('app');
  app.on('SIGBUS', () => {});
  const fd = await app.open('/data', ['rdwr', 'creat']);
  await app.write(fd, 0, onePage(1));
  const addr = await app.mmap({ fd, len: PAGE_SIZE, prot: 'rw', share: 'shared' });
  await app.store(addr, onePage(2).subarray(0, 1));
  return { app, fd, addr };
}

/** Whether the file was truncated before: EFAULT and SIGBUS are what an application gets then. */
async function orTruncated(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return false;
  } catch (e) {
    if (isErrno(e, 'EFAULT') || (e as Error).name === 'MemoryFault') return true;
    throw e;
  }
}

const mappingHole = planted(
  {
    name: 'machine-mapping-hole',
    title: 'a page of a file under direct I/O is not given to another file',
    defect: 'Linux 6.1 truncates a file that nobody maps without looking for busy pages',
    finds: 'invariant',
    preemptions: 2,
    broken: { kernel: '6.1' },
    repaired: { kernel: '7.2' },
  },
  async (race, machine) => {
    const { app, addr } = await mapped(machine);
    const [from, into] = await app.pipe();
    const admin = machine.spawn('admin');
    const other = await admin.open('/other', ['rdwr', 'creat']);
    race.task('app', async () => {
      if (await orTruncated(app.vmsplice(into, addr, PAGE_SIZE))) return;
      await app.munmap(addr, PAGE_SIZE);
      await app.readPipe(from, PAGE_SIZE);
    });
    race.task('admin', async () => {
      await admin.truncate('/data', 0);
      await admin.write(other, 0, onePage(9));
    });
    race.outcome(() => String(machine.referee.verdict().reused.length));
  },
);

const lostWakeup = planted(
  {
    name: 'machine-lost-wakeup',
    title: 'a truncate that waits for a page in a pipe ends when the pipe is drained',
    defect: 'Linux 7.2 does not wake it if somebody has loaded from the page meanwhile',
    finds: 'deadlock',
    preemptions: 2,
    broken: { kernel: '7.2' },
    repaired: { kernel: '6.12' },
  },
  async (race, machine) => {
    const { app, addr } = await mapped(machine);
    const [from, into] = await app.pipe();
    await app.vmsplice(into, addr, PAGE_SIZE);
    const admin = machine.spawn('admin');
    race.task('drain', async () => {
      await app.readPipe(from, PAGE_SIZE);
    });
    race.task('load', async () => {
      await orTruncated(app.load(addr, 1));
    });
    race.task('admin', () => admin.truncate('/data', 0));
  },
);

const uncheckedShortPin = planted(
  {
    name: 'machine-unchecked-fill',
    title: 'a truncate waits for a transfer that is under way',
    defect: 'as before Linux 4.15, truncate does not look for pins: the transfer strays',
    finds: 'invariant',
    preemptions: 1,
    broken: { policy: 'none', drivers: [nullDriver] },
    repaired: { policy: 'linux', drivers: [nullDriver] },
  },
  async (race, machine) => {
    const { app, addr } = await mapped(machine);
    const device = await app.open('/dev/null0', ['rdwr']);
    const admin = machine.spawn('admin');
    race.task('app', async () => {
      await orTruncated(app.ioctl(device, 'FILL', { addr, len: PAGE_SIZE }));
    });
    race.task('admin', () => admin.truncate('/data', 0));
  },
);

const uncheckedRegion = planted(
  {
    name: 'machine-unchecked-region',
    title: 'a peer writes to a truncated file no more',
    defect: 'truncate does not take back the memory region that a peer goes on writing to',
    finds: 'invariant',
    preemptions: 1,
    broken: { kernel: 'proposed', policy: 'none', drivers: [rdma], ...roomy },
    repaired: { kernel: 'proposed', policy: 'revoke', drivers: [rdma], ...roomy },
  },
  async (race, machine) => {
    const { app, addr } = await mapped(machine);
    const holder = await openPort(app);
    const access = ['local_write', 'remote_write'] as const;
    const { rkey } = await holder.context.regMR(holder.qp.pd, addr, PAGE_SIZE, access);
    const peer = machine.spawn('peer');
    const port = await openPort(peer);
    await connectPort(holder, port);
    await connectPort(port, holder);
    const source = await peer.mmap({ len: PAGE_SIZE, prot: 'rw', share: 'private' });
    await peer.store(source, onePage(7));
    const { lkey } = await port.context.regMR(port.qp.pd, source, PAGE_SIZE);
    const admin = machine.spawn('admin');
    race.task('peer', async () => {
      await port.context.postSend(port.qp, {
        wrId: 1,
        opcode: 'RDMA_WRITE',
        flags: ['signaled'],
        sgList: [{ addr: source, len: PAGE_SIZE, lkey }],
        remoteAddr: addr,
        rkey,
      });
      await port.context.waitCQ(port.cq, { timeoutNs: seconds(30) });
    });
    race.task('admin', () => admin.truncate('/data', 0));
  },
);

export const machineBugs: readonly Planted[] = [
  mappingHole,
  lostWakeup,
  uncheckedShortPin,
  uncheckedRegion,
];
