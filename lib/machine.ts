// The board: boots a machine from its parts, and is the only file that sees every room.
//
//   bootMachine -> RUNNING -> powerOff -> OFF
//
//   boot        scheduler, device, RAM, mm, leases, mounts, driver core, processes, referee
//   powerOff    kill processes (their exits release everything), unbind drivers, unmount, close
//
// Rooms of equal height do not see each other; what one needs of another is handed in here.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DriverCore } from './driver/core.js';
import type { HeldObject } from './driver/balance.js';
import type { IommuMode } from './driver/iommu.js';
import type { Driver, NodeLibraries } from './driver/index.js';
import type { NodeOpenFlag } from './driver/node-file.js';
import { constant } from './constant.js';
import { Errno } from './errno.js';
import { cpuEngine, type BlockEngine } from './fs/direct-io.js';
import { blockDeviceOps } from './fs/block-mapping.js';
import type { DaxOption } from './fs/dax-mode.js';
import { FileSystem } from './fs/file-system.js';
import { FileLayouts } from './fs/layout-service.js';
import type { FsEnv } from './fs/fs-env.js';
import { Pipe } from './fs/pipe.js';
import { kernelRules, type KernelName, type KernelRules } from './kernel-rules.js';
import type { LayoutPolicy } from './lease/layout.js';
import { defaultLeaseSettings, type LeaseSettings } from './lease/leased-inode.js';
import type { SecurityHooks } from './lease/security-hooks.js';
import { checkMachineOptions, type Part, partitions } from './machine-options.js';
import { DaxDevice } from './mm/dax-device.js';
import { newMMEnv, type MMEnv } from './mm/mm-env.js';
import type { AddressSpace } from './mm/address-space.js';
import { policyNamed } from './policy/index.js';
import type { OpenFlag } from './process/file.js';
import type { Kernel } from './process/kernel.js';
import { MountTable } from './process/mount-table.js';
import { ProcessTable } from './process/process-table.js';
import { Process } from './process/process.js';
import { Referee } from './referee/referee.js';
import { Scheduler, type Clock, type Strategy, type TimerMode } from './sched/index.js';
import { MiB, PAGE_SIZE, seconds } from './units.js';

declare module './process/process.js' {
  // What a driver's node opens as is declared by the driver; processes learn of it here.
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type
  interface DeviceLibraries extends NodeLibraries {}
}

export { MemoryFault, ProcessKilled } from './process/errors.js';
export { Process } from './process/process.js';
export type { OpenFlag } from './process/file.js';

export interface MountOptions {
  readonly flavor: 'ext4' | 'xfs' | 'tmpfs';
  /**
   * Whose file pages are the device's own: `always` (true) every file's, `never` (false) none's,
   * `inode`, as on Linux if nothing is said, those whose FS_XFLAG_DAX is set. Not for tmpfs.
   */
  readonly dax?: DaxOption;
  /** A policy's id, or an object made by definePolicy. `linux` if not given. */
  readonly policy?: string | LayoutPolicy;
  /** Bytes of the device; an equal share if not given. */
  readonly size?: number;
  /** Keep the file system that is on the device. A new one is made if not given. */
  readonly keep?: boolean;
}

export interface MachineOptions {
  /** A real file for the device; a temporary one, removed at power-off, if not given. */
  readonly device?: string;
  /** The device too lies in memory, without a file: nothing outlives the machine. */
  readonly inMemory?: boolean;
  /** False: what is stored reaches the file, and the disk when the host likes; no msync waits. */
  readonly flushes?: boolean;
  /** Bytes of the device's data if it is made now; the RAM's bytes. */
  readonly size?: number;
  readonly ram?: number;
  /** Bytes of RAM in ZONE_MOVABLE, as the boot option movablecore= makes it. */
  readonly movable?: number;
  /** Bytes at the device's end that no file system gets: what the driver device-dax stands on. */
  readonly deviceDax?: { readonly size: number };
  readonly kernel?: KernelName;
  readonly mounts?: Readonly<Record<string, MountOptions>>;
  readonly drivers?: readonly Driver[];
  readonly iommu?: IommuMode;
  /** `virtual`: simulated, one task at a time. Live, on the machine's own clock, if not given. */
  readonly clock?: 'real' | 'virtual';
  readonly seed?: number;
  readonly strategy?: Strategy;
  readonly timers?: TimerMode;
  readonly horizonNs?: number;
  /** Points after which a run counts as spinning; see lib/sched/options.ts. */
  readonly maxPoints?: number | undefined;
}

/** What a machine boots with if nothing is said. */
const usual = {
  size: 64 * MiB,
  ram: 64 * MiB,
  kernel: '7.2',
  iommu: 'off',
} as const;

/** How long power-off waits, in virtual time, for a process that will not end. */
const powerOffNs = seconds(600);

interface Mounted {
  readonly point: string;
  readonly fs: FileSystem;
}

export class Machine implements AsyncDisposable {
  readonly kernel: KernelName;
  readonly rules: KernelRules;
  readonly sched: Scheduler;
  readonly device: DaxDevice;
  readonly mm: MMEnv;
  /** lease-break-time and leases-enable; may be changed at any time. */
  readonly leases: LeaseSettings = defaultLeaseSettings();
  readonly drivers: DriverCore;
  readonly processes: ProcessTable;
  readonly referee: Referee;
  readonly #mounts: Mounted[] = [];
  readonly #mountTable = new MountTable();
  readonly #ram: DaxDevice;
  readonly #temporary: string | null;
  /** The block device under direct I/O and writeback; the CPU copies while there is none. */
  #engine: BlockEngine | null = null;
  #off: Promise<readonly HeldObject[]> | null = null;

  /** Use bootMachine(). */
  constructor(options: MachineOptions) {
    this.kernel = options.kernel ?? usual.kernel;
    this.rules = rulesOf(this.kernel);
    this.sched = schedulerOf(options);
    const { device, inMemory = false } = options;
    this.#temporary = device === undefined && !inMemory ? temporaryFolder() : null;
    this.device = openDevice(device, options.size, this.#temporary);
    this.device.flushes = options.flushes ?? true;
    this.#ram = DaxDevice.memory(options.ram ?? usual.ram);
    this.mm = newMMEnv(this.sched, this.rules, {
      ram: this.#ram,
      pmem: this.device,
      nrMovable: (options.movable ?? 0) / PAGE_SIZE,
      longtermFsdax: (mapping) => this.#fsOf(mapping)?.policy.rules.longtermFsdax,
    });
    this.referee = new Referee({
      pages: this.mm.pages,
      nowNs: () => this.sched.clock.nowNs,
      nameOf: (owner) => this.#fsById(owner.mount)?.nameOf(owner) ?? `mount ${owner.mount}`,
      orphanedBlocks: () => this.#mounts.reduce((n, { fs }) => n + fs.statfs().orphaned, 0),
    });
    this.drivers = new DriverCore({
      sched: this.sched,
      mm: this.mm,
      iommu: options.iommu ?? usual.iommu,
      events: this.referee.driverEvents,
      layout: new FileLayouts({
        sched: this.sched,
        fileOf: ({ pid }, fd) => this.processes.all.find((p) => p.pid === pid)?.fds.get(fd),
      }),
      board: {
        reservedPages: this.#reservedPages(options.deviceDax?.size ?? 0),
        blockDeviceOps: blockDeviceOps({
          pages: this.mm.pages,
          basePfn: this.mm.pages.regions.find((r) => r.kind === 'pmem')!.basePfn,
          mountById: (id) => this.#fsById(id)?.mount,
        }),
      },
    });
    this.processes = new ProcessTable(this.#processKernel());
  }

  /** Where a test or a policy of the site adds its security module, as a BPF program would be. */
  get security(): SecurityHooks {
    return this.leases.security;
  }

  get clock(): Clock {
    return this.sched.clock;
  }

  /** Mount point -> file system. */
  get mounts(): ReadonlyMap<string, FileSystem> {
    return new Map(this.#mounts.map(({ point, fs }) => [point, fs]));
  }

  /** A new process, as root with every capability. */
  spawn(name: string): Process {
    if (this.#off !== null) throw new Errno('ESHUTDOWN', `spawn: the machine is off`);
    return this.processes.spawn(name);
  }

  /**
   * Kill every process, unbind every driver, unmount, close the device. What a driver leaked is
   * named in the answer. Twice is harmless. EBUSY: something is held for ever; it is named.
   */
  powerOff(): Promise<readonly HeldObject[]> {
    this.#off ??= this.#powerOff();
    return this.#off;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.powerOff();
  }

  /**
   * Give up the machine where it stands, as an exploration does with a schedule that is over. No
   * task runs any more, no process ends, nothing is unmounted; the memory is given back.
   */
  abandon(): void {
    this.#off ??= Promise.resolve([]);
    this.sched.abandon();
    this.#closeDevices();
  }

  /** Mounts what the options say. Called once, by bootMachine. */
  async start(options: MachineOptions): Promise<void> {
    const points = Object.entries(options.mounts ?? { '/': { flavor: 'ext4', dax: true } });
    const parts = partitions(this.device.len - (options.deviceDax?.size ?? 0), points);
    for (const [i, [point, mount]] of points.entries()) {
      await this.#mount(i + 1, point, mount, parts[i]!);
    }
    for (const driver of options.drivers ?? []) {
      const { driverState } = this.drivers.addEmulated(driver);
      if (isBlockEngine(driverState)) this.#engine ??= driverState;
    }
  }

  async #mount(id: number, point: string, options: MountOptions, part: Part): Promise<void> {
    const { flavor, dax = flavor !== 'tmpfs' && 'inode', keep = false } = options;
    const { device } = this;
    const region = this.mm.pages.regions.find((r) => r.kind === 'pmem')!;
    const where = { startPos: part.pos, len: part.len };
    const fs = await this.#drive(
      this.sched.enter(`mount ${point}`, async () => {
        if (flavor !== 'tmpfs' && !keep) await FileSystem.mkfs(device, { flavor, ...where });
        const policy = policyOf(options.policy);
        const on = flavor === 'tmpfs' ? { device: null, region: null } : { device, region };
        return FileSystem.mount(this.#fsEnv(), {
          ...on,
          ...where,
          flavor,
          dax,
          policy,
          mountId: id,
        });
      }),
    );
    this.#mounts.push({ point, fs });
    this.#mountTable.mount(point, fs);
    // Absent unless a policy asks for it: pins then need no look at whose pages they are.
    if (fs.policy.admitPin !== undefined) {
      this.mm.admitPin ??= (intent) => this.#fsOf(intent.mapping)?.admitPin(intent);
    }
  }

  #fsEnv(): FsEnv {
    const { referee } = this;
    const env: FsEnv = constant({
      sched: this.sched,
      mm: this.mm,
      rules: this.rules,
      leaseSettings: this.leases,
      events: {
        blockAlloc: (e) => referee.blockGiven(e.pfn, e.owner),
        blockFree: (e) => referee.blockLeft(e.pfn, e.owner),
        orphanAdd: () => referee.orphansChanged(),
        orphanFree: () => referee.orphansChanged(),
      },
      fencePins: (task, pins, why) => this.drivers.fencePins(task, pins, why),
      processByPid: (pid) => this.processes.all.find((p) => p.pid === pid),
      fileOf: ({ pid }, fd) => this.processes.all.find((p) => p.pid === pid)?.fds.get(fd),
      blockEngine: { transfer: (task, io) => (this.#engine ?? cpu).transfer(task, io) },
    });
    const cpu = cpuEngine(env);
    return env;
  }

  /** The last pages of the device. EINVAL: there are not that many, or it is no whole number. */
  #reservedPages(len: number): Uint32Array {
    const region = this.mm.pages.regions.find((r) => r.kind === 'pmem')!;
    const nrPages = len / PAGE_SIZE;
    if (!Number.isSafeInteger(nrPages) || nrPages < 0 || nrPages > region.nrPages) {
      throw new Errno('EINVAL', `boot: deviceDax: ${len} bytes of ${this.device.len}`);
    }
    return Uint32Array.from({ length: nrPages }, (_, i) => region.endPfn - nrPages + i);
  }

  #processKernel(): Kernel {
    return constant({
      sched: this.sched,
      rules: this.rules,
      mmEnv: this.mm,
      mounts: this.#mountTable,
      leaseSettings: this.leases,
      makePipe: () => new Pipe(this.mm),
      openNode: async (caller, name, flags) => {
        const file = await this.drivers.openNode(caller, name, nodeFlags(flags));
        return { file, library: file.node.ops.library as never };
      },
    });
  }

  #fsById(id: number): FileSystem | undefined {
    return this.#mounts.find(({ fs }) => fs.mount.id === id)?.fs;
  }

  #fsOf(mapping: AddressSpace): FileSystem | undefined {
    return this.#fsById(mapping.host.mount);
  }

  /** Wait for something inside the machine, from outside of it. EBUSY if it never comes. */
  async #drive<T>(promise: Promise<T>): Promise<T> {
    if (this.sched.on && !(await this.sched.runUntil(promise, powerOffNs))) {
      throw new Errno('EBUSY', `the machine is stuck: ${this.sched.blockedReport()}`);
    }
    return promise;
  }

  async #powerOff(): Promise<readonly HeldObject[]> {
    try {
      for (const process of this.processes.alive) process.sendSignal('SIGKILL');
      for (const process of this.processes.all) await this.#drive(process.ended);
      const leaked = await this.#drive(
        this.sched.enter('power off', (task) => this.drivers.shutdown(task)),
      );
      for (const { point, fs } of this.#mounts.toReversed()) {
        await this.#drive(this.sched.enter(`umount ${point}`, (task) => fs.unmount(task)));
      }
      return leaked;
    } finally {
      this.#closeDevices();
    }
  }

  #closeDevices(): void {
    this.device.close();
    this.#ram.close();
    if (this.#temporary !== null) rmSync(this.#temporary, { recursive: true, force: true });
  }
}

/** Boot a machine. EINVAL names the option at fault; EBUSY: the device is mounted elsewhere. */
export async function bootMachine(options: MachineOptions = {}): Promise<Machine> {
  checkMachineOptions(options);
  const machine = new Machine(options);
  try {
    await machine.start(options);
  } catch (e) {
    await machine.powerOff().catch(() => {});
    throw e;
  }
  return machine;
}

function rulesOf(name: string): KernelRules {
  if (Object.hasOwn(kernelRules, name)) return kernelRules[name as KernelName];
  const known = Object.keys(kernelRules).join(', ');
  throw new Errno('EINVAL', `boot: kernel: no kernel is called ${name}; there are ${known}`);
}

function schedulerOf(options: MachineOptions): Scheduler {
  const { clock, seed, strategy, timers, horizonNs, maxPoints } = options;
  if (clock !== undefined && clock !== 'real' && clock !== 'virtual') {
    throw new Errno('EINVAL', `boot: clock: ${String(clock)} is neither real nor virtual`);
  }
  if (clock !== 'virtual') return new Scheduler({ mode: 'live' });
  return new Scheduler({ mode: 'simulated', seed, strategy, timers, horizonNs, maxPoints });
}

/** The file that was named, else one in the temporary folder, else memory. */
function openDevice(
  path: string | undefined,
  size: number | undefined,
  temporary: string | null,
): DaxDevice {
  if (path !== undefined) {
    return DaxDevice.open(path, size === undefined ? { create: false } : { create: true, size });
  }
  if (temporary === null) return DaxDevice.memory(size ?? usual.size);
  return DaxDevice.open(join(temporary, 'pmem0.img'), { create: true, size: size ?? usual.size });
}

const isBlockEngine = (state: unknown): state is BlockEngine =>
  typeof state === 'object' && state !== null && 'transfer' in state;

const temporaryFolder = () => mkdtempSync(join(tmpdir(), 'leasehold-'));

const policyOf = (policy: string | LayoutPolicy = 'linux'): LayoutPolicy =>
  typeof policy === 'string' ? policyNamed(policy) : policy;

/** What of open(2)'s flags a device node looks at. */
const nodeFlags = (flags: readonly OpenFlag[]): NodeOpenFlag[] =>
  flags.filter((f): f is NodeOpenFlag => nodeOpenFlags.has(f));

const nodeOpenFlags: ReadonlySet<OpenFlag> = new Set(['rdonly', 'wronly', 'rdwr', 'nonblock']);
