// A machine whose whole state can be compared: what a refused call must leave as it was.
//
// A row is one public call with good arguments and the kind of each; checkCall() makes the call
// once for each bad value of each argument. It must answer with an Errno of that kind's codes
// whose message names the argument, within five seconds of virtual time, and change nothing.

import type { ExecutionContext } from 'ava';
import nullDriver from '../../drivers/null/index.js';
import rdma, { type MR, type PD, type VerbsContext } from '../../drivers/rdma/index.js';
import v4l2, { type VideoClient } from '../../drivers/v4l2/index.js';
import { isErrno, type ErrnoCode } from '../../lib/errno.js';
import { bootMachine, MemoryFault, ProcessKilled } from '../../lib/machine.js';
import type { Machine, Process } from '../../lib/machine.js';
import { KiB, MiB, seconds } from '../../lib/units.js';
import { kinds, type KindName } from './bad-input.js';
import { assertMachineBalanced } from './balance.js';

/** What there is when a call is made: files of every kind, mappings, a lease, a registration. */
export interface World {
  readonly machine: Machine;
  readonly app: Process;
  /** Looks at files without touching app. */
  readonly observer: Process;
  readonly fds: Readonly<
    Record<'data' | 'readOnly' | 'dir' | 'leased' | 'readEnd' | 'writeEnd', number>
  >;
  /** 64 KiB of /data, shared; 64 KiB of anonymous memory; a page that is read-only. */
  readonly fileAddr: number;
  readonly anonAddr: number;
  readonly readOnlyAddr: number;
  readonly verbs: VerbsContext;
  readonly pd: PD;
  readonly mr: MR;
  readonly video: VideoClient;
}

export const fileLen = 64 * KiB;

async function openAll(app: Process): Promise<World['fds']> {
  const data = await app.open('/data', ['rdwr', 'creat']);
  await app.write(data, 0, new Uint8Array(fileLen).fill(0x5a));
  await app.mkdir('/dir');
  await app.close(await app.open('/leased', ['rdwr', 'creat']));
  const leased = await app.open('/leased', ['rdonly']);
  await app.setLease(leased, 'F_RDLCK');
  const [readEnd, writeEnd] = await app.pipe();
  await app.setNonblock(readEnd, true);
  const readOnly = await app.open('/data', ['rdonly']);
  const dir = await app.open('/dir', ['rdonly', 'directory']);
  return { data, readOnly, dir, leased, readEnd, writeEnd };
}

export async function bootWorld(): Promise<World> {
  const machine = await bootMachine({
    inMemory: true,
    size: 16 * MiB,
    ram: 16 * MiB,
    kernel: 'proposed',
    clock: 'virtual',
    timers: 'manual',
    seed: 1,
    mounts: {
      '/': { flavor: 'ext4', dax: true, policy: 'revoke' },
      '/cache': { flavor: 'ext4' },
      '/tmp': { flavor: 'tmpfs' },
    },
    drivers: [nullDriver, rdma, v4l2],
  });
  const app = machine.spawn('app');
  const observer = machine.spawn('observer');
  const fds = await openAll(app);
  const fileAddr = await app.mmap({ fd: fds.data, len: fileLen });
  const anonAddr = await app.mmap({ len: fileLen, share: 'private' });
  await app.store(anonAddr, new Uint8Array(fileLen).fill(1));
  const readOnlyAddr = await app.mmap({ len: 4 * KiB, prot: 'r', share: 'private' });
  const verbs = await app.openDevice('rdma0');
  const pd = await verbs.allocPD();
  const mr = await verbs.regMR(pd, fileAddr, fileLen);
  const video = await app.openDevice('video0', ['rdwr', 'nonblock']);
  const memory = { fileAddr, anonAddr, readOnlyAddr };
  return { machine, app, observer, fds, ...memory, verbs, pd, mr, video };
}

const processState = (process: Process) => ({
  status: process.waitStatus(),
  fds: [...process.fds.entries()].map(([fd, file]) => [fd, file.label]),
  vmas: [...process.mm.vmas].map((vma) => [vma.start, vma.end, vma.prot.read, vma.prot.write]),
  pinnedVm: process.mm.pinnedVm,
  lockedVm: process.mm.lockedVm,
  userLockedVm: process.user.lockedVm,
  uid: process.cred.uid,
  limits: [process.rlimit('memlock'), process.rlimit('nofile'), process.rlimit('fsize')],
  pending: process.pendingSignals(),
});

/** Everything that a refused call may not have changed. */
export async function snapshot(w: World): Promise<unknown> {
  const { machine, app, observer, fds } = w;
  const { mm } = machine;
  const sizes: Record<string, unknown> = {};
  for (const path of ['/', '/dir', '/data', '/leased', '/cache', '/tmp']) {
    const { size, nlink, mode, uid, gid, blocks } = await observer.stat(path);
    sizes[path] = { size, nlink, mode, uid, gid, blocks };
  }
  return {
    sizes,
    names: await observer.readdir('/'),
    blocks: [...machine.mounts].map(([point, fs]) => [point, fs.statfs()]),
    app: processState(app),
    lease: await app.getLease(fds.leased),
    nonblock: [...app.fds.entries()].map(([, f]) => ('nonblock' in f ? f.nonblock : null)),
    pins: [mm.pinTable.size, mm.vmstat.pinsOutstanding],
    references: machine.device.openers().map(({ pins, references }) => [pins, references]),
    ramFree: mm.allocator.nrFree,
    mr: await w.verbs.queryMR(w.mr),
    format: await w.video.getFormat(),
    held: machine.drivers.devices.map((device) => [device.name, device.leaks()]),
    nodes: machine.drivers.nodes,
    processes: machine.processes.all.map(({ pid, name }) => [pid, name]),
  };
}

/** How a call ended, in one line for reports: an errno, or what should never be. */
export interface Outcome {
  readonly code: ErrnoCode | null;
  readonly text: string;
}

const hungAfterNs = seconds(5);

export async function outcome(machine: Machine, call: () => unknown): Promise<Outcome> {
  try {
    const result = Promise.resolve(call());
    result.catch(() => {});
    if (!(await machine.sched.runUntil(result, hungAfterNs))) return { code: null, text: 'hung' };
    return { code: null, text: `answered ${String(await result)}` };
  } catch (e) {
    if (isErrno(e)) return { code: e.code, text: e.message };
    if (e instanceof MemoryFault) return { code: null, text: `MemoryFault ${e.message}` };
    if (e instanceof ProcessKilled) return { code: null, text: `ProcessKilled ${e.message}` };
    return { code: null, text: `threw ${(e as Error).stack?.split('\n').slice(0, 3).join(' ')}` };
  }
}

/** A good argument and its kind; null: this one is not varied. */
export type Arg = readonly [kind: KindName | null, good: unknown, says?: RegExp];

export interface CallRow {
  readonly name: string;
  readonly call: (...args: never[]) => unknown;
  readonly args: readonly Arg[];
  /** Values of a kind that this call takes: not bad for it. */
  readonly takes?: readonly string[];
}

export interface Tally {
  calls: number;
  inputs: number;
}

const differs = (a: unknown, b: unknown): boolean => show(a) !== show(b);
const show = (v: unknown): string =>
  JSON.stringify(v, (_k, x: unknown) => (typeof x === 'bigint' ? `${x}n` : x));

/** One bad call; what is wrong with its answer, or null. */
export async function judge(
  w: World,
  name: string,
  call: () => unknown,
  codes: readonly ErrnoCode[],
  says: RegExp,
): Promise<string | null> {
  const before = await snapshot(w);
  const { code, text } = await outcome(w.machine, call);
  const after = await snapshot(w);
  if (code === null || !codes.includes(code)) return `${name}: ${text}, not ${codes.join('|')}`;
  if (!says.test(text.slice(code.length))) return `${name}: '${text}' does not name ${says}`;
  return differs(before, after) ? `${name}: changed ${show(before)} to ${show(after)}` : null;
}

/** Every bad value of every argument of one call. */
export async function badAnswers(w: World, row: CallRow, tally: Tally): Promise<string[]> {
  const problems: string[] = [];
  const good = row.args.map(([, value]) => value);
  tally.calls++;
  for (const [i, [kindName, , says]] of row.args.entries()) {
    if (kindName === null) continue;
    const kind = kinds[kindName];
    for (const [what, value] of kind.values) {
      if (row.takes?.includes(what) === true) continue;
      const args = good.with(i, value) as never[];
      const name = `${row.name} argument ${i} (${kindName}) ${what}`;
      const bad = await judge(w, name, () => row.call(...args), kind.codes, says ?? kind.says);
      tally.inputs++;
      if (bad !== null) problems.push(bad);
    }
  }
  return problems;
}

/** Boot, hand the machine to body, power it off and find nothing left. */
export async function withWorld(
  t: ExecutionContext,
  body: (w: World) => Promise<void>,
): Promise<void> {
  const w = await bootWorld();
  try {
    await body(w);
  } finally {
    await assertMachineBalanced(t, w.machine);
  }
}
