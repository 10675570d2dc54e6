// ibv_mr: a registered range of memory, and the keys that name it.
//
//   regMR -> VALID --revoke()--> REVOKING -> REVOKED
//              `------- deregMR -------`--------`----> GONE
//
// Revocation (facts 11, P8): no new step enters the region, those inside are waited for, pages are
// unmapped, unpinned and uncharged, in this order. It happens once and for good: requests that
// name the region complete in error, and its key stays reserved until dereg, which joins a
// revocation that is under way.

import { Errno, type RevokeReason, type Task, WaitQueue } from '../../lib/driver/index.js';
import { hasRemote } from './access.js';
import type { MemoryKey } from './memory-key.js';
import type { PD } from './pd.js';
import type { RdmaDevice } from './rdma-device.js';
import type { RegionMemory } from './umem.js';

export type MRState = 'VALID' | 'REVOKING' | 'REVOKED' | 'GONE';

/** Where the region comes from: what rereg and advise may do with it. */
export type MRKind = 'user' | 'odp' | 'dma-buf';

export interface MRInit {
  readonly kind: MRKind;
  readonly pd: PD;
  readonly addr: number;
  readonly len: number;
  readonly iova: number;
  readonly access: number;
  readonly memory: RegionMemory;
}

export class MR {
  readonly kind: MRKind;
  readonly key: MemoryKey;
  readonly #device: RdmaDevice;
  readonly #settled: WaitQueue;
  pd: PD;
  addr: number;
  len: number;
  memory: RegionMemory;
  /** The layout lease that came with the registration. */
  lease: { release(): void } | null = null;
  /** Told once when the region was revoked. */
  onRevoked: (why: RevokeReason) => void = () => {};
  #state: MRState = 'VALID';

  /** ENOMEM: no key is left. */
  constructor(device: RdmaDevice, init: MRInit) {
    this.#device = device;
    this.kind = init.kind;
    this.pd = init.pd;
    this.addr = init.addr;
    this.len = init.len;
    this.memory = init.memory;
    const { access, iova, len, memory, pd } = init;
    const named = hasRemote(access) || !device.rules.rkeyNeedsRemoteRight;
    this.key = device.hca.addRegion((key) => ({
      key,
      rkey: named ? key : 0,
      pd: pd.pdn,
      access,
      iova,
      len,
      backing: memory.backing,
    }));
    this.#settled = new WaitQueue(device.dev.sched, `revocation of region ${this.key.lkey}`);
    pd.nrUsers++;
    device.regions.add(this);
  }

  get state(): MRState {
    return this.#state;
  }

  get access(): number {
    return this.key.access;
  }

  /** The pages are wanted back. Whoever comes second joins. */
  async revoke(why: RevokeReason, task: Task): Promise<void> {
    if (this.#state === 'VALID') {
      this.#state = 'REVOKING';
      await this.#takeDown(task);
      this.#state = 'REVOKED';
      this.#settled.wakeAll();
      this.#device.dev.log(`region ${this.key.lkey} was revoked: ${why}`);
      this.onRevoked(why);
    } else {
      await this.#joinRevocation(task);
    }
  }

  /** EINVAL while windows are bound (IBA 10.6.7.2.6); the region stays valid then. */
  async dereg(task: Task): Promise<void> {
    if (this.key.nrWindows > 0) {
      throw new Errno('EINVAL', `dereg_mr: ${this.key.nrWindows} windows are bound to the region`);
    }
    if (this.#state === 'VALID') {
      this.#state = 'REVOKING';
      await this.#takeDown(task);
    } else {
      await this.#joinRevocation(task);
    }
    this.#state = 'GONE';
    this.#device.hca.regions.free(this.key.lkey);
    this.#device.regions.delete(this);
    this.pd.nrUsers--;
    this.lease?.release();
    this.#settled.wakeAll();
  }

  /** Stop, fence, unmap, unpin, uncharge. */
  async #takeDown(task: Task): Promise<void> {
    this.key.state = 'REVOKED';
    const fenced = this.#device.hca.fence(task, this.key);
    if (fenced !== undefined) await fenced;
    const released = this.memory.release(task);
    if (released instanceof Promise) await released;
  }

  async #joinRevocation(task: Task): Promise<void> {
    await this.#settled.waitEvent(task, () => this.#state !== 'REVOKING', {
      mode: 'uninterruptible',
      why: this.#settled.label,
    });
  }

  /**
   * rereg: other memory under the same key. The old pages are fenced before they go; whoever wants
   * them back meanwhile waits for that. EINVAL: the region was revoked, and memory is not taken.
   */
  async replaceMemory(task: Task, memory: RegionMemory, addr: number, len: number): Promise<void> {
    if (this.#state !== 'VALID') throw new Errno('EINVAL', 'rereg_mr: the region was revoked');
    this.#state = 'REVOKING';
    await this.#takeDown(task);
    this.memory = memory;
    this.addr = addr;
    this.len = len;
    this.key.backing = memory.backing;
    this.key.len = len;
    this.key.state = 'VALID';
    this.#state = 'VALID';
    this.#settled.wakeAll();
  }
}
