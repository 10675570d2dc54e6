// rdma: the holder registers its mapping and a remote peer writes to it.
//
//   pinned      an adapter that cannot give pages back, as most cannot
//   revocable   one that can: its key is dead then, until dereg
//   lease       revocable, and the registration holds a layout lease (regMRLease)
//   on-demand   nothing is pinned, the adapter faults

import rdma, { type MR } from '../../drivers/rdma/index.js';
import { defineDriver, type Device, type DevicePinRequest, type Driver } from '../driver/index.js';
import { connectPort, openPort, type VerbsPort } from '../explore/world/verbs-port.js';
import { KiB, seconds } from '../units.js';
import type { Act, Port, Running, Target } from './acts.js';
import { dmaByte, type Scene } from './scene.js';

const writeLen = 4 * KiB;
const nrPages = 2;

async function reset({ context, qp }: VerbsPort): Promise<void> {
  await context.modifyQP(qp, { qpState: 'RESET' });
}

type Register = (verbs: VerbsPort, target: Target) => Promise<MR>;

const remote = ['local_write', 'remote_write'] as const;

const regMR: Register = ({ context, qp }, { addr, len }) => context.regMR(qp.pd, addr, len, remote);

const regLease: Register = ({ context, qp }, { addr, len }) =>
  context.regMRLease(qp.pd, addr, len, remote);

const regOnDemand: Register = ({ context, qp }, { addr, len }) =>
  context.regMR(qp.pd, addr, len, [...remote, 'on_demand']);

/** The peer's end, and what it writes. */
class Peer {
  readonly #holder: VerbsPort;
  readonly #verbs: VerbsPort;
  readonly #source: { readonly addr: number; readonly lkey: number };
  readonly #mr: MR;
  #pos = 0;

  constructor(holder: VerbsPort, verbs: VerbsPort, source: Peer['source'], mr: MR) {
    this.#holder = holder;
    this.#verbs = verbs;
    this.#source = source;
    this.#mr = mr;
  }

  get source(): { readonly addr: number; readonly lkey: number } {
    return this.#source;
  }

  async write(): Promise<boolean> {
    const { addr, lkey } = this.#source;
    const { context, qp, cq } = this.#verbs;
    await context.postSend(qp, {
      wrId: 1,
      opcode: 'RDMA_WRITE',
      flags: ['signaled'],
      sgList: [{ addr, len: writeLen, lkey }],
      remoteAddr: this.#mr.addr + this.#pos,
      rkey: this.#mr.rkey,
    });
    const [wc] = await context.waitCQ(cq, { timeoutNs: seconds(30) });
    this.#pos = (this.#pos + writeLen) % this.#mr.len;
    return wc?.status === 'SUCCESS';
  }

  async reconnect(): Promise<void> {
    await reset(this.#holder);
    await reset(this.#verbs);
    await connectPort(this.#holder, this.#verbs);
    await connectPort(this.#verbs, this.#holder);
  }
}

async function startPeer({ machine }: Scene, holder: VerbsPort, mr: MR): Promise<Peer> {
  const peer = machine.spawn('peer');
  const verbs = await openPort(peer);
  await connectPort(holder, verbs);
  await connectPort(verbs, holder);
  const addr = await peer.mmap({ len: writeLen, prot: 'rw', share: 'private' });
  await peer.store(addr, new Uint8Array(writeLen).fill(dmaByte));
  const { lkey } = await verbs.context.regMR(verbs.qp.pd, addr, writeLen);
  return new Peer(holder, verbs, { addr, lkey }, mr);
}

/** Resolves at the event that says that somebody wants the region's lease. */
async function leaseBroken({ context }: VerbsPort): Promise<void> {
  for (;;) {
    const { type } = await context.getAsyncEvent();
    if (type === 'MR_LEASE_BREAK') return;
  }
}

const portOf = (scene: Scene, verbs: VerbsPort, register: Register, ownLease: boolean): Port => ({
  async start(target): Promise<Running> {
    const mr = await register(verbs, target);
    const peer = await startPeer(scene, verbs, mr);
    return {
      parts: [peer, verbs, mr],
      pulse: () => peer.write(),
      reconnect: () => peer.reconnect(),
      release: () => verbs.context.deregMR(mr),
      ...(ownLease && { told: () => leaseBroken(verbs) }),
    };
  },
});

/** An adapter whose driver says of every pin that it cannot be taken back. */
const irrevocable: Driver = defineDriver({
  ...rdma,
  probe: (dev) => rdma.probe(keepsPages(dev)),
}) as Driver;

function keepsPages<H>(dev: Device<H>): Device<H> {
  const pinUserPages: Device['pinUserPages'] = (caller, request) => {
    if (!request.longterm) return dev.pinUserPages(caller, request);
    const { revoke: _, ...rest } = request;
    return dev.pinUserPages(caller, { ...rest, irrevocable: true } as DevicePinRequest);
  };
  return new Proxy(dev, {
    get(target, name): unknown {
      if (name === 'pinUserPages') return pinUserPages;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

const act = (register: Register, over: Partial<Act>): Act => ({
  pins: 'longterm',
  revocable: true,
  drivers: [rdma],
  nrPages,
  shared: true,
  open: async (scene, process) =>
    portOf(scene, await openPort(process), register, over.ownLease === true),
  ...over,
});

export const rdmaPinned = act(regMR, { revocable: false, drivers: [irrevocable] });
export const rdmaRevocable = act(regMR, {});
export const rdmaLease = act(regLease, { ownLease: true });
export const rdmaOnDemand = act(regOnDemand, { pins: 'none' });
