// The pins of one device, and the calls into its driver that took them.
//
//   pin            in an entry point                    held
//   revoke()       not before that entry point returned, and then at most once per pin
//   short pins     gone when the entry point returns
//
// An entry point is one call of one task into the driver; calls may nest (a fault inside an
// ioctl), and then the outer one counts again.

import assert from 'node:assert/strict';
import { constant } from '../constant.js';
import type { Caller, ProcessLike } from '../mm/caller.js';
import { type PinnedPages, type PinRequest, pinUserPages } from '../mm/gup.js';
import type { MMEnv } from '../mm/mm-env.js';
import { revokePins } from '../mm/revocation.js';
import { type Task, WaitQueue } from '../sched/index.js';
import type { DevicePinRequest } from './device.js';
import { HeldPins } from './held-pins.js';
import type { NodeFile } from './node-file.js';

/** One call into the driver, by one task. */
export interface Entry {
  readonly task: Task;
  readonly outer: Entry | undefined;
  readonly file: NodeFile | undefined;
  readonly shortPins: HeldPins;
  over: boolean;
}

export interface PinLedgerDeps {
  readonly device: string;
  readonly mm: MMEnv;
  /** The node that names the device in file_pins. */
  deviceFile(): string;
  /** Stop all DMA of the device; undefined if it cannot. */
  readonly reset: ((task: Task) => Promise<void>) | undefined;
  onPin(pins: PinnedPages): void;
}

type RevocablePin = Extract<DevicePinRequest, { readonly revoke: unknown }>;

const isGone = (pins: PinnedPages): boolean => pins.state === 'GONE';

export class PinLedger {
  readonly #deps: PinLedgerDeps;
  readonly #pins = new HeldPins();
  readonly #entries = new Map<Task, Entry>();
  readonly #entryOver: WaitQueue;

  constructor(deps: PinLedgerDeps) {
    this.#deps = constant(deps);
    this.#entryOver = new WaitQueue(deps.mm.sched, `calls into the driver of ${deps.device}`);
  }

  /** Pins held now, oldest first. */
  get held(): readonly PinnedPages[] {
    return this.#pins.list();
  }

  async pin(caller: Caller, request: DevicePinRequest): Promise<PinnedPages> {
    const { task, process } = caller;
    const entry = this.#entries.get(task);
    const pins = await pinUserPages(task, this.#deps.mm, this.#request(process, request, entry));
    this.#pins.add(pins);
    if (!request.longterm) entry?.shortPins.add(pins);
    this.#deps.onPin(pins);
    return pins;
  }

  /** What mm is asked for. */
  #request(process: ProcessLike, request: DevicePinRequest, entry: Entry | undefined): PinRequest {
    const { mm } = process;
    const { addr, len, access, force = false, onShort, longterm } = request;
    const origin = {
      process,
      device: this.#deps.device,
      deviceFile: this.#deps.deviceFile(),
      dataFile: mm.vmaAt(addr)?.file?.label ?? '',
      openFile: entry?.file,
    };
    // Whole literals: what is put together from parts costs ten times as much.
    if (!longterm) return { mm, addr, len, access, force, onShort, origin, longterm };
    if (request.irrevocable) {
      return { mm, addr, len, access, force, onShort, origin, longterm, irrevocable: true };
    }
    const revoke = this.#revokeOf(request, entry);
    const { reset } = this.#deps;
    if (reset === undefined) {
      return { mm, addr, len, access, force, onShort, origin, longterm, revoke };
    }
    return { mm, addr, len, access, force, onShort, origin, longterm, revoke, reset };
  }

  /** The driver's revoke(), once the entry point that pinned has returned. */
  #revokeOf(request: RevocablePin, entry: Entry | undefined): RevocablePin['revoke'] {
    const { device } = this.#deps;
    return async (pins, why, task) => {
      await this.#entryOver.waitEvent(task, () => entry === undefined || entry.over, {
        mode: 'uninterruptible',
        why: `the call that pinned for ${device} to return`,
        holders: () => (entry === undefined ? [] : [entry.task]),
      });
      if (isGone(pins)) return;
      await request.revoke(pins, why, task);
      if (!isGone(pins)) assert.fail(`${device}: revoke() returned with pages still pinned`);
    };
  }

  /** The open file that pins were taken through. */
  fileOf(pins: PinnedPages): NodeFile | undefined {
    return pins.origin.openFile as NodeFile | undefined; // pin() is who put it there
  }

  enter(task: Task, file?: NodeFile): Entry {
    const outer = this.#entries.get(task);
    const entry: Entry = { task, outer, file, shortPins: new HeldPins(), over: false };
    this.#entries.set(task, entry);
    return entry;
  }

  leave(entry: Entry, what: string): void {
    entry.over = true;
    if (entry.outer === undefined) this.#entries.delete(entry.task);
    else this.#entries.set(entry.task, entry.outer);
    this.#entryOver.wakeAll();
    const { shortPins } = entry;
    if (shortPins.nrRemembered === 0) return;
    if (shortPins.list().length !== 0) assert.fail(`${what} returned with a short-term pin`);
  }

  /** Wait until no call is inside the driver. */
  async quiesce(task: Task): Promise<void> {
    await this.#entryOver.waitEvent(task, () => this.#entries.size === 0, {
      mode: 'uninterruptible',
      why: `calls into the driver of ${this.#deps.device} to return`,
      holders: () => [...this.#entries.keys()],
    });
  }

  /** Revoke every pin that can be revoked. The others stay. */
  async takeBack(task: Task): Promise<void> {
    for (const pins of this.held) {
      if (pins.state !== 'GONE') await revokePins(task, [pins], 'unbind');
    }
  }
}
