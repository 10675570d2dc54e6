// The server: nfsd's part in block layouts (linux fs/nfsd/nfs4layouts.c, blocklayout.c).
//
//   LAYOUTGET     FL_LAYOUT lease, then the extents
//   recall        somebody changes the layout: CB_LAYOUTRECALL, two lease periods for the client
//   fence         time is up: the storage refuses the client, and only then the layout is dropped
//
// nfsd asks a client that says DELAY every 10 ms; a LAYOUTRETURN ends the wait at once in either
// case, so here the server sleeps until it comes.

import {
  type Caller,
  type Device,
  Errno,
  seconds,
  type Task,
  WaitQueue,
} from '../../lib/driver/index.js';
import type { BlockClient } from './block-client.js';
import type { BlockTarget } from './block-target.js';
import { type IOMode, LayoutState } from './layout-state.js';

export interface LayoutGetArg {
  /** A descriptor of the file at the server; writable for 'rw'. */
  readonly fd: number;
  readonly pos: number;
  readonly len: number;
  readonly iomode: IOMode;
}

export class PnfsServer {
  /** nfsd's lease period (/proc/fs/nfsd/nfsv4leasetime): 90 s. A change holds for later recalls. */
  leasePeriodNs = seconds(90);
  readonly counters = { recalls: 0, fences: 0 };
  readonly #dev: Device;
  readonly #target: BlockTarget;
  #nextStateid = 1;

  constructor(dev: Device, target: BlockTarget) {
    this.#dev = dev;
    this.#target = target;
  }

  /**
   * EIO: the client is fenced. EBADF, EINVAL, EOPNOTSUPP, EAGAIN: as Device.blockLayout(): no such
   * file, beyond its end, a file system without block layouts, a change under way.
   */
  async layoutGet(client: BlockClient, caller: Caller, arg: LayoutGetArg): Promise<LayoutState> {
    if (!this.#target.isRegistered(client.key)) throw new Errno('EIO', 'layoutget: fenced');
    const { fd, pos, len, iomode } = arg;
    const held: { state: LayoutState | null } = { state: null };
    const granted = new WaitQueue(this.#dev.sched, 'the answer to LAYOUTGET');
    const layout = await this.#dev.blockLayout(caller, {
      ...{ fd, pos, len, access: iomode === 'rw' ? 'write' : 'read' },
      onRecall: async (task) => {
        await granted.waitEvent(task, () => held.state !== null, {
          mode: 'uninterruptible',
          why: granted.label,
        });
        await this.#recall(task, client, held.state!);
      },
    });
    const state = new LayoutState(this.#dev, layout, this.#nextStateid++, iomode);
    held.state = state;
    granted.wakeAll();
    return state;
  }

  /** CB_LAYOUTRECALL, until the layout is gone one way or the other. */
  async #recall(task: Task, client: BlockClient, state: LayoutState): Promise<void> {
    this.counters.recalls++;
    const untilNs = this.#dev.sched.clock.nowNs + 2 * this.leasePeriodNs;
    state.recall();
    client.recalled(state);
    const end = await state.changed.waitEvent(task, () => state.state === 'GONE', {
      mode: 'uninterruptible',
      why: `the client to return layout ${state.stateid}`,
      untilNs,
    });
    if (end === 'woken') return;
    this.counters.fences++;
    this.#dev.log(`client ${client.key} failed to respond to layout recall: fenced`);
    await this.#target.preempt(task, client.key);
    state.drop();
  }
}
