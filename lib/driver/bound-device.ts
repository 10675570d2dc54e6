// A device with its driver: the implementation of Device, and all that unbinding takes back.
//
//   PROBING -> BOUND -> UNBINDING -> GONE        BOUND -> DEAD: a reset, or one that failed
//
// What a driver takes passes through here and is noted in the balance under a name.

import assert from 'node:assert/strict';
import { Errno, isErrno } from '../errno.js';
import type { KernelName, KernelRules } from '../kernel-rules.js';
import type { Caller } from '../mm/caller.js';
import { pinUserPages, PinnedPages } from '../mm/gup.js';
import type { MMEnv } from '../mm/env.js';
import type { VMA } from '../mm/vma.js';
import type { Scheduler } from '../sched/scheduler.js';
import type { TaskHandle } from '../sched/task-handle.js';
import type { Task } from '../sched/task.js';
import { WaitQueue } from '../sched/wait-queue.js';
import { Balance, type HeldObject } from './balance.js';
import { Bus } from './bus.js';
import type { Device, DevicePinRequest, DmaSource, FaultRange } from './device.js';
import { Devres } from './devres.js';
import { DmaBuf, type DmaBufAttachment, type DmaBufImporter } from './dma-buf.js';
import type { DmaDirection, DmaMapping } from './dma.js';
import type { DeviceId, Driver } from './driver.js';
import type { DriverEvents } from './events.js';
import type { FileOperations, IoctlTableOf } from './file-operations.js';
import { Iommu, type IommuMode } from './iommu.js';
import type { BlockLayoutRequest, LayoutLeaseRequest, LayoutService } from './layout-service.js';
import type { NodeFile } from './node-file.js';
import { PageBlock } from './page-block.js';
import { WorkQueue, type Cancel } from './workqueue.js';

export interface DriverCoreEnv {
  readonly sched: Scheduler;
  readonly mm: MMEnv;
  readonly iommu: IommuMode;
  readonly events?: DriverEvents;
  readonly layout?: LayoutService;
}

/** One call into the driver, by one task. */
export interface Entry {
  readonly task: Task;
  readonly outer: Entry | undefined;
  readonly shortPins: Set<PinnedPages>;
  over: boolean;
}

export interface BoundDeviceSpec {
  readonly name: string;
  readonly id: DeviceId;
  readonly hardware: unknown;
  readonly driver: Driver;
  addNode(device: BoundDevice, node: string, fops: FileOperations<unknown>): void;
}

export class BoundDevice implements Device {
  readonly name: string;
  readonly id: DeviceId;
  readonly hardware: unknown;
  readonly driver: Driver;
  readonly bus: Bus;
  readonly iommu: Iommu;
  readonly balance = new Balance();
  readonly lines: string[] = [];
  readonly log: (line: string) => void;
  state: 'PROBING' | 'BOUND' | 'UNBINDING' | 'GONE' | 'DEAD' = 'PROBING';
  /** What probe() returned. */
  driverState: unknown = undefined;
  readonly #env: DriverCoreEnv;
  readonly #events: DriverEvents;
  readonly #spec: BoundDeviceSpec;
  readonly #devres = new Devres();
  readonly #work: WorkQueue;
  readonly #threads = new Set<TaskHandle<void>>();
  readonly #pins = new Set<PinnedPages>();
  readonly #entries = new Map<Task, Entry>();
  readonly #entryOver: WaitQueue;
  #firstNode = '';

  constructor(env: DriverCoreEnv, spec: BoundDeviceSpec) {
    this.#env = env;
    this.#spec = spec;
    this.#events = env.events ?? {};
    this.name = spec.name;
    this.id = spec.id;
    this.hardware = spec.hardware;
    this.driver = spec.driver;
    this.log = (line) => {
      this.lines.push(line);
      this.#events.log?.(this.name, line);
    };
    this.iommu = new Iommu(spec.name, env.iommu, (e) => this.#events.dmaFault?.(e));
    const { sched } = env;
    this.bus = new Bus({ sched, pages: env.mm.pages, iommu: this.iommu, events: this.#events });
    this.#work = new WorkQueue(sched, spec.name);
    this.#entryOver = new WaitQueue(sched, `calls into ${spec.driver.name}`);
  }

  get sched(): Scheduler {
    return this.#env.sched;
  }

  get rules(): KernelRules {
    return this.#env.mm.rules;
  }

  get kernel(): KernelName {
    return this.rules.name;
  }

  /** Pins this device holds now. */
  get pins(): readonly PinnedPages[] {
    for (const pins of this.#pins) if (pins.state === 'GONE') this.#pins.delete(pins);
    return [...this.#pins];
  }

  async pinUserPages(caller: Caller, request: DevicePinRequest): Promise<PinnedPages> {
    assert(this.state === 'BOUND', `${this.name}: pin while ${this.state}`);
    const { task, process } = caller;
    const entry = this.#entries.get(task);
    const { addr, len, access, force = false } = request;
    const origin = {
      process,
      device: this.name,
      deviceFile: `/dev/${this.#firstNode}`,
      dataFile: process.mm.vmaAt(addr)?.file?.label ?? 'anonymous memory',
    };
    const common = { mm: process.mm, addr, len, access, force, origin };
    const pins = await pinUserPages(task, this.#env.mm, {
      ...common,
      ...this.#pinTerm(request, entry),
    });
    this.#pins.add(pins);
    if (!request.longterm) entry?.shortPins.add(pins);
    this.#events.pin?.(this.name, pins);
    return pins;
  }

  /** The long-term half of a request for mm: revoke() waits until the entry point returned. */
  #pinTerm(request: DevicePinRequest, entry: Entry | undefined) {
    if (!request.longterm) return { longterm: false as const };
    if (request.irrevocable) return { longterm: true as const, irrevocable: true as const };
    const revoke = (pins: PinnedPages, why: Parameters<typeof request.revoke>[1]): Promise<void> =>
      this.sched.enter(`revoke on ${this.name}`, async (task) => {
        await this.#entryOver.waitEvent(task, () => entry?.over !== false, {
          mode: 'uninterruptible',
          why: `the call that pinned for ${this.name} to return`,
        });
        await request.revoke(pins, why, task);
        assert(pins.state === 'GONE', `${this.name}: revoke() returned with pages still pinned`);
      });
    if (this.driver.reset === undefined) return { longterm: true as const, revoke };
    return { longterm: true as const, revoke, reset: () => this.reset() };
  }

  /** Stop all DMA of the device, now. Every region on it dies with it. */
  reset(): Promise<void> {
    return this.sched.enter(`reset of ${this.name}`, async (task) => {
      this.state = 'DEAD';
      this.log('reset: a region was not given back in time');
      await this.driver.reset!(this, this.driverState, task);
      this.#events.reset?.(this.name, 'reset');
    });
  }

  allocPages(nrPages: number, label: string): PageBlock {
    assert(Number.isSafeInteger(nrPages) && nrPages > 0, `allocPages: ${nrPages} pages`);
    const { allocator } = this.#env.mm;
    const pfns = new Uint32Array(nrPages);
    for (let i = 0; i < nrPages; i++) {
      try {
        pfns[i] = allocator.allocPage({ zero: true });
      } catch (e) {
        for (const pfn of pfns.subarray(0, i)) allocator.freePage(pfn);
        throw e;
      }
    }
    const freed = (b: PageBlock): void => this.balance.release(b);
    const block = new PageBlock(label, pfns, (pfn) => allocator.freePage(pfn), freed);
    this.balance.acquire(block, 'pages', label);
    return block;
  }

  dmaMap(source: DmaSource, dir: DmaDirection): DmaMapping {
    const { pfns, offset, len } = this.#pagesOf(source);
    const owners = Array.from(pfns, (pfn) => this.#env.mm.pages.owner(pfn));
    const mapping = this.iommu.map({ pfns, offset, len, owners, dir });
    this.balance.acquire(mapping, 'mapping', `${len} bytes at iova ${mapping.iova}`);
    this.#events.dmaMap?.(this.name, mapping);
    return mapping;
  }

  dmaUnmap(mapping: DmaMapping): void {
    this.balance.release(mapping);
    this.iommu.unmap(mapping);
    this.#events.dmaUnmap?.(this.name, mapping);
  }

  /** A copy of the page list; asserts that this device holds the pages. */
  #pagesOf(source: DmaSource): { pfns: Uint32Array; offset: number; len: number } {
    if (source instanceof PinnedPages) {
      assert(this.#pins.has(source), `${this.name}: dmaMap of pins of somebody else`);
      assert(source.state !== 'GONE', `${this.name}: dmaMap of unpinned pages`);
      return { pfns: source.pfns.slice(), offset: source.offset, len: source.len };
    }
    if ('pages' in source) {
      assert(this.balance.holds(source.watch), `${this.name}: dmaMap of pages not watched`);
      const pfns = Uint32Array.from(source.pages, (page) => {
        assert(page !== undefined, `${this.name}: dmaMap of a page that is not present`);
        return page.pfn;
      });
      return { pfns, offset: 0, len: pfns.length * 4096 };
    }
    assert(this.balance.holds(source), `${this.name}: dmaMap of pages it does not hold`);
    return { pfns: source.pfns.slice(), offset: 0, len: source.len };
  }
}
