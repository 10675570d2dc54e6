// The driver core of one machine: which drivers there are, which devices, and which nodes.
//
//   register(driver) + addDevice(compatible, hardware) -> match -> probe -> nodes -> unbind

import assert from 'node:assert/strict';
import { constant } from '../constant.js';
import {
  checkFunction,
  checkInstance,
  checkList,
  checkObject,
  checkText,
  checkWord,
  shown,
} from '../arguments.js';
import { Errno, isErrno } from '../errno.js';
import type { Caller } from '../mm/caller.js';
import { PinnedPages, type RevokeReason } from '../mm/pinned-pages.js';
import type { RevokeResult } from '../mm/revocation.js';
import type { Task } from '../sched/index.js';
import type { HeldObject } from './balance.js';
import { BoundDevice, type DriverCoreEnv } from './bound-device.js';
import { checkCaller } from './device-arguments.js';
import type { Board, Driver } from './driver.js';
import { fillOps, type FileOperations } from './file-operations.js';
import type { DeviceFilter } from './filters.js';
import { fencePins } from './fence.js';
import { NodeFile, type DeviceNode, type NodeOpenFlag } from './node-file.js';

export interface AddDeviceOptions {
  /** The driver's name and the first free number if not given. */
  readonly name?: string | undefined;
  /** What the driver gets to see of the device. */
  readonly filter?: DeviceFilter | undefined;
}

/** A device on the board; it may be waiting for its driver. */
interface BoardDevice {
  readonly opts: AddDeviceOptions;
  readonly compatible: string;
  readonly hardware: unknown;
  bound: BoundDevice | null;
}

/** A board with nothing on it but what drivers emulate. */
const bareBoard: Board = { reservedPages: new Uint32Array(0) };

export class DriverCore {
  readonly #env: DriverCoreEnv;
  readonly #drivers = new Map<string, Driver>();
  readonly #board: BoardDevice[] = [];
  readonly #devices = new Map<string, BoundDevice>();
  readonly #nodes = new Map<string, DeviceNode>();

  constructor(env: DriverCoreEnv) {
    checkObject('driver core', 'sched', env.sched);
    checkObject('driver core', 'mm', env.mm);
    checkWord('driver core', 'iommu', env.iommu, ['off', 'strict']);
    this.#env = constant(env);
  }

  get devices(): BoundDevice[] {
    return [...this.#devices.values()];
  }

  /** Names of the published nodes. */
  get nodes(): readonly string[] {
    return [...this.#nodes.keys()];
  }

  /** Make a driver known and bind the devices that wait for it. EEXIST: the name is taken. */
  register<H, S>(driver: Driver<H, S>): void {
    if (typeof driver !== 'object' || driver === null || !Object.isFrozen(driver)) {
      throw new Errno('EINVAL', 'register: driver: no module made by defineDriver()');
    }
    if (this.#drivers.has(driver.name)) {
      throw new Errno('EEXIST', `register: there is a driver ${driver.name} already`);
    }
    this.#drivers.set(driver.name, driver as unknown as Driver);
    for (const device of this.#board) if (device.bound === null) this.#match(device);
  }

  /** Solder a device onto the board; the bound device, or null while no driver takes it. EEXIST. */
  addDevice(
    compatible: string,
    hardware: unknown,
    nameOrOpts: string | AddDeviceOptions = {},
  ): BoundDevice | null {
    const opts = typeof nameOrOpts === 'string' ? { name: nameOrOpts } : nameOrOpts;
    checkAdded(compatible, opts);
    const { name } = opts;
    if (name !== undefined && this.#devices.has(name)) {
      throw new Errno('EEXIST', `addDevice: there is a device ${name} already`);
    }
    const device: BoardDevice = { opts, compatible, hardware, bound: null };
    this.#board.push(device);
    this.#match(device);
    return device.bound;
  }

  /** Register driver and give the board one device of its usual kind. ENODEV: it emulates none. */
  addEmulated<H, S>(driver: Driver<H, S>, opts: AddDeviceOptions = {}): BoundDevice {
    checkObject('addEmulated', 'driver', driver);
    checkObject('addEmulated', 'opts', opts);
    if (driver.emulate === undefined) {
      throw new Errno('ENODEV', `${driver.name}: hardware must be handed in`);
    }
    if (!this.#drivers.has(driver.name)) this.register(driver);
    const device = this.addDevice(
      driver.idTable[0]!.compatible,
      driver.emulate(this.#env.board ?? bareBoard),
      opts,
    );
    if (device === null) throw new Errno('ENODEV', `${driver.name} declined its own hardware`);
    return device;
  }

  /** ENODEV if no device of that name is bound. */
  device(name: string): BoundDevice {
    const device = this.#devices.get(name);
    if (device === undefined) throw new Errno('ENODEV', `no device ${shown(name)}`);
    return device;
  }

  /** open(2) of /dev/<name>. ENOENT if no such node is published, else what the driver says. */
  async openNode(
    caller: Caller,
    name: string,
    flags: readonly NodeOpenFlag[] = ['rdwr'],
  ): Promise<NodeFile> {
    checkCaller('open', caller);
    checkNodeFlags(flags);
    const node = this.#nodes.get(name);
    if (node === undefined) throw new Errno('ENOENT', `open: no device node /dev/${shown(name)}`);
    const file = new NodeFile(node, flags);
    await file.open(caller);
    return file;
  }

  /** Take a device from its driver; what the driver leaked, by name. ENODEV. */
  async unbind(task: Task, name: string): Promise<readonly HeldObject[]> {
    const device = this.device(name);
    for (const node of [...this.#nodes.values()]) {
      if (node.device !== device) continue;
      node.withdrawn = true;
      this.#nodes.delete(node.name);
    }
    const leaked = await device.unbind(task);
    this.#devices.delete(name);
    const index = this.#board.findIndex((d) => d.bound === device);
    if (index >= 0) this.#board.splice(index, 1);
    return leaked;
  }

  /** Disassociate the open files that pins were taken through; see fence.ts. */
  async fencePins(
    task: Task,
    pins: readonly PinnedPages[],
    why: RevokeReason,
  ): Promise<RevokeResult> {
    for (const pin of checkList('fence', 'pins', pins)) {
      checkInstance('fence', 'pins', pin, PinnedPages);
    }
    checkText('fence', 'why', why);
    const fileOf = (pin: PinnedPages) => this.#devices.get(pin.origin.device)?.fileOf(pin);
    return fencePins(task, pins, why, fileOf);
  }

  /** Unbind everything, the newest device first. */
  async shutdown(task: Task): Promise<readonly HeldObject[]> {
    const leaked: HeldObject[] = [];
    for (const device of this.devices.reverse())
      leaked.push(...(await this.unbind(task, device.name)));
    return leaked;
  }

  #match(board: BoardDevice): void {
    for (const driver of this.#drivers.values()) {
      const id = driver.idTable.find((entry) => entry.compatible === board.compatible);
      if (id === undefined) continue;
      if (this.#probe(driver, board, id)) return;
    }
  }

  #probe(driver: Driver, board: BoardDevice, id: { readonly compatible: string }): boolean {
    const name = board.opts.name ?? this.#freeName(driver.name);
    const filter = board.opts.filter ?? ((dev) => dev);
    const device = new BoundDevice(
      this.#env,
      constant({
        name,
        id,
        hardware: board.hardware,
        driver,
        addNode: (dev, node, fops) => this.#addNode(dev, node, fops),
      }),
    );
    this.#devices.set(name, device);
    try {
      device.driverState = driver.probe(filter(device));
    } catch (e) {
      this.#forget(device);
      if (isErrno(e, 'ENODEV')) return false;
      throw e;
    }
    device.state = 'BOUND';
    board.bound = device;
    this.#env.events?.bind?.(name, driver.name);
    return true;
  }

  #forget(device: BoundDevice): void {
    device.abandon();
    this.#devices.delete(device.name);
    for (const node of [...this.#nodes.values()]) {
      if (node.device === device) this.#nodes.delete(node.name);
    }
    const left = device.leaks().filter(({ kind }) => kind !== 'task');
    assert(left.length === 0, `probe of ${device.name} failed and left ${JSON.stringify(left)}`);
  }

  #addNode(device: BoundDevice, name: string, fops: FileOperations<unknown>): void {
    if (typeof name !== 'string' || !/^[a-z][a-z0-9._/-]*$/.test(name)) {
      throw new Errno('EINVAL', `addNode: node: ${shown(name)} is no name`);
    }
    checkObject('addNode', 'fops', fops);
    if (this.#nodes.has(name)) throw new Errno('EEXIST', `addNode: /dev/${name} exists`);
    this.#nodes.set(name, { name, device, ops: fillOps(name, fops), withdrawn: false });
  }

  #freeName(driver: string): string {
    for (let i = 0; ; i++) if (!this.#devices.has(`${driver}${i}`)) return `${driver}${i}`;
  }
}

function checkAdded(compatible: unknown, opts: AddDeviceOptions): void {
  if (typeof compatible !== 'string' || compatible === '') {
    throw new Errno('EINVAL', `addDevice: compatible: ${shown(compatible)}`);
  }
  checkObject('addDevice', 'opts', opts);
  const { name, filter } = opts;
  if (name !== undefined && (typeof name !== 'string' || !/^[a-z][a-z0-9._-]*$/.test(name))) {
    throw new Errno('EINVAL', `addDevice: name: ${shown(name)} is no name`);
  }
  if (filter !== undefined) checkFunction('addDevice', 'filter', filter);
}

function checkNodeFlags(flags: readonly NodeOpenFlag[]): void {
  for (const flag of checkList('open', 'flags', flags)) {
    checkWord('open', 'flags', flag, ['rdonly', 'wronly', 'rdwr', 'nonblock']);
  }
}
