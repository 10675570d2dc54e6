// A device with its driver: the implementation of Device, and all that unbinding takes back.
//
//   PROBING -> BOUND -> UNBINDING -> GONE        BOUND -> DEAD: a reset, or one that failed
//
// What a driver takes passes through here and is noted in the balance under a name.

import assert from 'node:assert/strict';
import { Errno, isErrno } from '../errno.js';
import type { KernelName, KernelRules } from '../kernel-rules.js';
import type { Caller } from '../mm/caller.js';
import { PinnedPages } from '../mm/gup.js';
import type { MMEnv } from '../mm/mm-env.js';
import { installPte, type VMA } from '../mm/vma.js';
import type { Scheduler, Task, TaskHandle } from '../sched/index.js';
import { PAGE_SIZE, pagesSpanned } from '../units.js';
import { Balance, type HeldObject } from './balance.js';
import { Bus } from './bus.js';
import { DaxPages } from './dax-pages.js';
import type { Device, DevicePinRequest, DmaSource, FaultRange } from './device.js';
import * as args from './device-arguments.js';
import { Devres } from './devres.js';
import { DmaBuf, type DmaBufAttachment, type DmaBufImporter } from './dma-buf.js';
import type { DmaDirection, DmaMapping } from './dma.js';
import type { Board, DeviceId, Driver } from './driver.js';
import type { DriverEvents } from './events.js';
import type { FileOperations, IoctlTableOf } from './file-operations.js';
import { Iommu, type IommuMode } from './iommu.js';
import type {
  BlockLayout,
  BlockLayoutRequest,
  LayoutLease,
  LayoutLeaseRequest,
  LayoutService,
} from './layout-service.js';
import type { NodeFile } from './node-file.js';
import { blockVmOps, PageBlock } from './page-block.js';
import { type Entry, PinLedger } from './pin-ledger.js';
import type { FaultedPage, FaultedPages, RangeWatch, WatchRequest } from './range-watch.js';
import { WatchedRange } from './watched-range.js';
import { WorkQueue, type Cancel } from './workqueue.js';

export interface DriverCoreEnv {
  readonly sched: Scheduler;
  readonly mm: MMEnv;
  readonly iommu: IommuMode;
  readonly events?: DriverEvents;
  readonly layout?: LayoutService;
  /** What emulated hardware may stand on. */
  readonly board?: Board;
}

export interface BoundDeviceSpec {
  readonly name: string;
  readonly id: DeviceId;
  readonly hardware: unknown;
  readonly driver: Driver;
  addNode(device: BoundDevice, node: string, fops: FileOperations<unknown>): void;
}

interface PageList {
  readonly pfns: Uint32Array;
  readonly offset: number;
  readonly len: number;
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
  readonly #pins: PinLedger;
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
    this.#pins = new PinLedger({
      device: spec.name,
      mm: env.mm,
      deviceFile: () => `/dev/${this.#firstNode}`,
      reset: spec.driver.reset === undefined ? undefined : (task) => this.reset(task),
      onPin: (pins) => this.#events.pin?.(this.name, pins),
    });
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
    return this.#pins.held;
  }

  async pinUserPages(caller: Caller, request: DevicePinRequest): Promise<PinnedPages> {
    if (this.state !== 'BOUND') assert.fail(`${this.name}: pin while ${this.state}`);
    args.checkPin(caller, request);
    return this.#pins.pin(caller, request);
  }

  /** Stop all DMA of the device, now. Every region on it dies with it. */
  async reset(task: Task): Promise<void> {
    this.state = 'DEAD';
    this.log('reset: a region was not given back in time');
    try {
      await this.driver.reset!(this, this.driverState, task);
      this.#events.reset?.(this.name, 'reset');
    } catch (e) {
      if (!isErrno(e)) throw e;
      this.log(`reset: ${e.message}`);
      this.#events.reset?.(this.name, 'hung');
    }
  }

  allocPages(nrPages: number, label: string): PageBlock {
    const { allocator, pages } = this.#env.mm;
    args.checkAllocation(nrPages, label, pages.regions);
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

  dmaMap(source: DmaSource | readonly PinnedPages[], dir: DmaDirection): DmaMapping {
    args.checkDmaMap(source, dir);
    const { pfns, offset, len } = Array.isArray(source)
      ? this.#joined(source as readonly PinnedPages[])
      : this.#pagesOf(source as DmaSource);
    const owners = this.#env.mm.pages.ownersOf(pfns);
    const mapping = this.iommu.map({ pfns, offset, len, owners, dir });
    this.balance.acquire(mapping, 'mapping', `${len} bytes at iova ${mapping.iova}`);
    this.#events.dmaMap?.(this.name, mapping);
    return mapping;
  }

  dmaUnmap(mapping: DmaMapping): void {
    this.bus.drain(mapping);
    if (!this.balance.holds(mapping)) assert.fail(`${this.name}: dmaUnmap: not its mapping`);
    this.balance.release(mapping);
    this.iommu.unmap(mapping);
    this.#events.dmaUnmap?.(this.name, mapping);
  }

  /** A copy of the page list; asserts that this device holds the pages. */
  #pagesOf(source: DmaSource): PageList {
    if (source instanceof PinnedPages) {
      if (!this.pins.includes(source)) assert.fail(`${this.name}: dmaMap of pins of somebody else`);
      if (source.state === 'GONE') assert.fail(`${this.name}: dmaMap of unpinned pages`);
      return { pfns: source.pfns.slice(), offset: source.offset, len: source.len };
    }
    if ('borrowed' in source) {
      const { borrowed, pos, len } = source;
      const first = Math.floor(pos / PAGE_SIZE);
      const pfns = borrowed.slice(first, first + pagesSpanned(pos, len));
      return { pfns, offset: pos % PAGE_SIZE, len };
    }
    if ('pages' in source) {
      assert(this.balance.holds(source.watch), `${this.name}: dmaMap of pages not watched`);
      const pfns = Uint32Array.from(source.pages, (page: FaultedPage | undefined) => {
        if (page === undefined) assert.fail(`${this.name}: dmaMap of a page that is not present`);
        return page.pfn;
      });
      return { pfns, offset: 0, len: pfns.length * PAGE_SIZE };
    }
    if (!this.balance.holds(source)) assert.fail(`${this.name}: dmaMap of pages it does not hold`);
    return { pfns: source.pfns.slice(), offset: 0, len: source.len };
  }

  /** Pins that follow each other without a gap, as one list. */
  #joined(pins: readonly PinnedPages[]): PageList {
    const [first] = pins;
    if (first === undefined) assert.fail(`${this.name}: dmaMap of no pins`);
    const pfns = new Uint32Array(pins.reduce((n, p) => n + p.nrPages, 0));
    let at = 0;
    let end = first.request.addr;
    for (const one of pins) {
      if (one.request.addr !== end)
        assert.fail(`${this.name}: dmaMap of pins with a gap between them`);
      pfns.set(this.#pagesOf(one).pfns, at);
      at += one.nrPages;
      end += one.len;
    }
    return { pfns, offset: first.offset, len: end - first.request.addr };
  }

  watchRange(caller: Caller, request: WatchRequest): RangeWatch {
    args.checkWatch(caller, request);
    const watch = new WatchedRange(this.name, caller.process.mm, request, () =>
      this.balance.release(watch),
    );
    this.balance.acquire(watch, 'watch', `${request.len} bytes at ${request.addr}`);
    return watch;
  }

  async faultRange(task: Task, watch: RangeWatch, range: FaultRange): Promise<FaultedPages> {
    assert(this.balance.holds(watch), `${this.name}: faultRange on a watch that is closed`);
    args.checkFaultRange(watch, range);
    return (watch as WatchedRange).fault(task, range);
  }

  insertPages(vma: VMA, block: PageBlock, pgoff: number): void {
    args.checkInsert(vma, block, pgoff);
    if (block.state !== 'OWNED') assert.fail(`${this.name}: insertPages of freed pages`);
    if (pgoff + vma.nrPages > block.pfns.length) {
      throw new Errno('EINVAL', `mmap: ${vma.nrPages} pages of ${block.label} from page ${pgoff}`);
    }
    const { write } = vma.prot;
    for (let i = 0; i < vma.nrPages; i++) installPte(vma, i, block.pfns[pgoff + i]!, { write });
    block.get();
    vma.ops = blockVmOps(vma.ops, block);
  }

  daxPages(pfns: Uint32Array, label: string): DaxPages {
    args.checkPfns(pfns, label, this.#env.mm.pages.regions);
    const pages = new DaxPages(this.#env.mm, label, pfns, (p) => this.balance.release(p));
    this.balance.acquire(pages, 'pages', label);
    return pages;
  }

  exportDmaBuf(block: PageBlock, label: string): DmaBuf {
    args.checkExport(block, label);
    if (block.state !== 'OWNED') assert.fail(`${this.name}: exportDmaBuf of freed pages`);
    const buf = new DmaBuf(label, block, (b) => this.balance.release(b));
    this.balance.acquire(buf, 'dma-buf', label);
    return buf;
  }

  attachDmaBuf(buf: DmaBuf, importer: DmaBufImporter): DmaBufAttachment {
    args.checkAttach(buf, importer);
    const attachment = buf.attach(importer, (a) => this.balance.release(a));
    this.balance.acquire(attachment, 'attachment', buf.label);
    return attachment;
  }

  async takeLayoutLease(caller: Caller, request: LayoutLeaseRequest): Promise<LayoutLease> {
    const { layout } = this.#env;
    args.checkLeaseRequest(caller, request);
    if (layout === undefined) throw new Errno('EOPNOTSUPP', 'no layout leases on this machine');
    return this.#lease(await layout.takeLayoutLease(caller, request));
  }

  async blockLayout(caller: Caller, request: BlockLayoutRequest): Promise<BlockLayout> {
    const { layout } = this.#env;
    args.checkLayoutRequest(caller, request);
    if (layout === undefined) throw new Errno('EOPNOTSUPP', 'no block layouts on this machine');
    return this.#lease(await layout.blockLayout(caller, request));
  }

  /** Note a lease in the balance; its release() takes it out again. */
  #lease<T extends { release(): void }>(lease: T): T {
    const noted: T = Object.create(lease) as T;
    noted.release = () => {
      if (this.balance.holds(noted)) this.balance.release(noted);
      lease.release();
    };
    this.balance.acquire(noted, 'lease', `layout for ${this.name}`);
    return noted;
  }

  queueWork(delayNs: number, label: string, work: (task: Task) => Promise<void> | void): Cancel {
    args.checkWork(delayNs, label, work);
    return this.#work.queue(delayNs, label, work);
  }

  spawn(label: string, fn: (task: Task) => Promise<void>): Task {
    args.checkThread(label, fn);
    const run = async (task: Task): Promise<void> => {
      try {
        await fn(task);
      } catch (e) {
        if (task.pending !== 'kill' || !isErrno(e, 'EINTR')) throw e;
      } finally {
        this.#threads.delete(handle);
      }
    };
    const handle = this.sched.spawn(`${this.name} ${label}`, run, { daemon: true });
    this.#threads.add(handle);
    return handle.task;
  }

  addNode<H, I extends IoctlTableOf<I>>(node: string, fops: FileOperations<H, I>): void {
    this.#spec.addNode(this, node, fops as unknown as FileOperations<unknown>);
    this.#firstNode ||= node;
  }

  addAction(action: () => void): void {
    args.checkAction(action);
    this.#devres.add(action);
  }

  // -- what the core does around the driver --

  enterDriver(task: Task, file: NodeFile): Entry {
    return this.#pins.enter(task, file);
  }

  /** The open file that these pins were taken through; undefined: by a thread of the device. */
  fileOf(pins: PinnedPages): NodeFile | undefined {
    return this.#pins.fileOf(pins);
  }

  leaveDriver(entry: Entry, what: string): void {
    this.#pins.leave(entry, what);
  }

  fileOpened(file: NodeFile): void {
    this.balance.acquire(file, 'file', file.path);
  }

  fileReleased(file: NodeFile): void {
    this.balance.release(file);
  }

  /** The nodes are withdrawn: take everything back, in the order driver.ts gives. */
  async unbind(task: Task): Promise<readonly HeldObject[]> {
    this.state = 'UNBINDING';
    for (const file of this.balance.objects<NodeFile>('file')) await file.release(task);
    await this.#pins.quiesce(task);
    await this.#pins.takeBack(task);
    await this.#work.drain(task);
    await this.#stopThreads(task);
    await this.driver.remove?.(this, this.driverState, task);
    for (const e of this.#devres.releaseAll()) this.log(`an action failed: ${String(e)}`);
    const leaked = this.leaks();
    this.state = 'GONE';
    this.#events.unbind?.(this.name, leaked);
    return leaked;
  }

  async #stopThreads(task: Task): Promise<void> {
    for (const handle of [...this.#threads]) {
      handle.task.interrupt('kill');
      await handle.join(task);
    }
  }

  /** What the device holds now, by name. */
  leaks(): readonly HeldObject[] {
    const label = (pins: PinnedPages): string =>
      `${pins.pfns.length} pages of ${pins.origin.dataFile}`;
    return [
      ...this.pins.map((pins) => ({ kind: 'pin' as const, label: label(pins) })),
      ...this.balance.list(),
      ...this.#work.items.map((item) => ({ kind: 'work' as const, label: item.label })),
      ...[...this.#threads].map((handle) => ({ kind: 'task' as const, label: handle.task.name })),
    ];
  }

  /** probe() failed or declined: only its actions ran, nothing may be left. */
  abandon(): void {
    this.#devres.releaseAll();
    this.#work.cancelAll();
    for (const handle of this.#threads) handle.task.interrupt('kill');
    this.state = 'GONE';
  }
}
