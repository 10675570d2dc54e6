// rdma: the holder registers its mapping and a remote peer writes to it.
//
//   pinned      an adapter that cannot give pages back, as most cannot
//   revocable   one that can: its key is dead then, until dereg
//   lease       revocable, and the registration holds a layout lease (regMRLease)
//   on-demand   nothing is pinned, the adapter faults

import rdma, { accessOf, type CQ, type MR, type QP } from '../../drivers/rdma/index.js';
import type { VerbsContext } from '../../drivers/rdma/index.js';
import { defineDriver, type Device, type DevicePinRequest, type Driver } from '../driver/index.js';
import type { Process } from '../machine.js';
import { KiB, seconds } from '../units.js';
import type { Act, Port, Running, Target } from './acts.js';
import { dmaByte, type Scene } from './scene.js';

const writeLen = 4 * KiB;
const nrPages = 2;

interface Verbs {
  readonly context: VerbsContext;
  readonly cq: CQ;
  readonly qp: QP;
}

async function openVerbs(process: Process): Promise<Verbs> {
  const context = await process.openDevice('rdma0');
  const pd = await context.allocPD();
  const cq = await context.createCQ(16);
  return { context, cq, qp: await context.createQP({ pd, sendCQ: cq, recvCQ: cq }) };
}

/** RESET to RTS, towards a queue pair of the same adapter. */
async function connect({ context, qp }: Verbs, peer: Verbs): Promise<void> {
  const { gid: dgid } = await context.queryDevice();
  const qpAccessFlags = accessOf(['local_write', 'remote_write']);
  await context.modifyQP(qp, { qpState: 'INIT', pkeyIndex: 0, portNum: 1, qpAccessFlags });
  await context.modifyQP(qp, {
    qpState: 'RTR',
    ahAttr: { dgid, portNum: 1 },
    pathMtu: 4096,
    destQPNum: peer.qp.qpNum,
    rqPsn: 0,
    maxDestRdAtomic: 1,
    minRnrTimer: 12,
  });
  const send = { sqPsn: 0, timeout: 14, retryCnt: 7, rnrRetry: 7, maxRdAtomic: 1 };
  await context.modifyQP(qp, { qpState: 'RTS', ...send });
}

async function reset({ context, qp }: Verbs): Promise<void> {
  await context.modifyQP(qp, { qpState: 'RESET' });
}

type Register = (verbs: Verbs, target: Target) => Promise<MR>;

const remote = ['local_write', 'remote_write'] as const;

const regMR: Register = ({ context, qp }, { addr, len }) => context.regMR(qp.pd, addr, len, remote);

const regLease: Register = ({ context, qp }, { addr, len }) =>
  context.regMRLease(qp.pd, addr, len, remote);

const regOnDemand: Register = ({ context, qp }, { addr, len }) =>
  context.regMR(qp.pd, addr, len, [...remote, 'on_demand']);

/** The peer's end, and what it writes. */
class Peer {
  readonly #holder: Verbs;
  readonly #verbs: Verbs;
  readonly #source: { readonly addr: number; readonly lkey: number };
  readonly #mr: MR;
  #pos = 0;

  constructor(holder: Verbs, verbs: Verbs, source: Peer['source'], mr: MR) {
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
    await connect(this.#holder, this.#verbs);
    await connect(this.#verbs, this.#holder);
  }
}

async function startPeer({ machine }: Scene, holder: Verbs, mr: MR): Promise<Peer> {
  const peer = machine.spawn('peer');
  const verbs = await openVerbs(peer);
  await connect(holder, verbs);
  await connect(verbs, holder);
  const addr = await peer.mmap({ len: writeLen, prot: 'rw', share: 'private' });
  await peer.store(addr, new Uint8Array(writeLen).fill(dmaByte));
  const { lkey } = await verbs.context.regMR(verbs.qp.pd, addr, writeLen);
  return new Peer(holder, verbs, { addr, lkey }, mr);
}

/** Resolves at the event that says that somebody wants the region's lease. */
async function leaseBroken({ context }: Verbs): Promise<void> {
  for (;;) {
    const { type } = await context.getAsyncEvent();
    if (type === 'MR_LEASE_BREAK') return;
  }
}

const portOf = (scene: Scene, verbs: Verbs, register: Register, ownLease: boolean): Port => ({
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
    portOf(scene, await openVerbs(process), register, over.ownLease === true),
  ...over,
});

export const rdmaPinned = act(regMR, { revocable: false, drivers: [irrevocable] });
export const rdmaRevocable = act(regMR, {});
export const rdmaLease = act(regLease, { ownLease: true });
export const rdmaOnDemand = act(regOnDemand, { pins: 'none' });
