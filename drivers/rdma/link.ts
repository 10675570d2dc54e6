// The wire between two processes: a TCP connection or a Unix socket, an adapter at each end.
//
//   connect() or listen() -> HELLO both ways -> UP --close(), or the other process dies--> DOWN
//
// To the fabric of its process a link is the other adapter's port: delay, loss and partition are
// those of the fabric that sends. A link that is DOWN answers nothing, so that a queue pair uses
// up its retries. Sockets know no virtual time: only live machines can be linked.

import {
  type AddressInfo,
  createConnection,
  createServer,
  type Server,
  type Socket,
} from 'node:net';
import { Errno, isErrno } from '../../lib/driver/index.js';
import type { RemotePort, Reply } from './fabric.js';
import type { Hca } from './hca.js';
import {
  decodeHello,
  decodeRequest,
  decodeResponse,
  encodeHello,
  encodeRequest,
  encodeResponse,
} from './link-codec.js';
import { type Frame, FrameReader, frameParts, type FrameType } from './link-frame.js';
import type { WireRequest, WireResponse } from './wire.js';

/** Where to listen or connect: a Unix socket's path, or a port (0: any) on host, 127.0.0.1. */
export type LinkAddress =
  { readonly path: string } | { readonly port: number; readonly host?: string };

export interface LinkCounters {
  sent: number;
  received: number;
  /** Frames that were dropped because of their checksum. */
  corrupted: number;
}

/** Requests whose answers may still come: more than all queue pairs have on the wire. */
const MAX_WAITING = 1 << 16;

export class Link implements RemotePort {
  readonly counters: LinkCounters = { sent: 0, received: 0, corrupted: 0 };
  /** Resolves when the link is DOWN. */
  readonly closed: Promise<void>;
  readonly #hca: Hca;
  readonly #socket: Socket;
  readonly #frames = new FrameReader();
  /** Who waits for the answer of that number, the longest first. */
  readonly #waiting = new Map<number, Reply>();
  #gid: string | null = null;
  #nextId = 0;
  #greeted!: (e: unknown) => void;

  private constructor(hca: Hca, socket: Socket) {
    this.#hca = hca;
    this.#socket = socket;
    this.closed = new Promise((resolve) => socket.once('close', () => resolve(this.#down())));
    socket.on('error', () => {}); // 'close' follows
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
  }

  /** Greet whoever is at the other end. EPROTO: no link; EEXIST: it has the same address. */
  static async over(hca: Hca, socket: Socket): Promise<Link> {
    const link = new Link(hca, socket);
    const greeted = new Promise<unknown>((resolve) => (link.#greeted = resolve));
    link.#write('hello', encodeHello(hca.gid));
    const refusal = await Promise.race([greeted, link.closed.then(() => hungUp())]);
    if (refusal === null) return link;
    socket.destroy();
    throw refusal;
  }

  /** The address of the adapter at the other end. */
  get gid(): string {
    return this.#gid!;
  }

  get up(): boolean {
    return this.#gid !== null && !this.#socket.destroyed;
  }

  /** Hand a request to the other process. Of answers that never come only so many are awaited. */
  send(request: WireRequest, reply: Reply | null): void {
    if (!this.up) return;
    const id = this.#nextId++;
    if (reply !== null) this.#waiting.set(id, reply);
    if (this.#waiting.size > MAX_WAITING) this.#waiting.delete(this.#waiting.keys().next().value!);
    this.#write('request', encodeRequest(id, request));
  }

  async close(): Promise<void> {
    this.#socket.destroy();
    await this.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #write(type: FrameType, body: readonly Uint8Array[]): void {
    if (this.#socket.destroyed) return;
    this.counters.sent++;
    this.#socket.cork();
    for (const part of frameParts(type, body)) this.#socket.write(part);
    this.#socket.uncork();
  }

  #receive(chunk: Buffer): void {
    try {
      for (const frame of this.#frames.push(chunk)) this.#take(frame);
    } catch (e) {
      this.#greeted(e);
      this.#socket.destroy();
      if (!isErrno(e)) throw e;
    }
    this.counters.corrupted = this.#frames.corrupted;
  }

  #take({ type, body }: Frame): void {
    this.counters.received++;
    if (type === 'hello') this.#greet(decodeHello(body));
    else if (this.#gid === null) throw new Errno('EPROTO', 'a message before HELLO');
    else if (type === 'request') this.#deliver(decodeRequest(body));
    else this.#answered(decodeResponse(body));
  }

  #greet(gid: string): void {
    const { fabric } = this.#hca;
    if (gid === this.#hca.gid || (this.#gid === null && fabric.knows(gid))) {
      throw new Errno('EEXIST', `link: there is an adapter ${gid} on this side already`);
    }
    if (this.#gid !== null) throw new Errno('EPROTO', 'HELLO twice');
    this.#gid = gid;
    fabric.plugRemote(this);
    this.#greeted(null);
  }

  /** Only from the adapter that greeted, and only to ours. */
  #deliver({ id, request }: { id: number; request: WireRequest }): void {
    const { fabric, gid, state } = this.#hca;
    if (request.srcGid !== this.#gid || request.destGid !== gid || state === 'DOWN') return;
    if (fabric.isCut(request.srcGid, gid)) return;
    fabric.arrive(this.#hca, request, this.#hca.sched, (answer) =>
      this.#write('response', encodeResponse(id, answer)),
    );
  }

  #answered({ id, answer }: { id: number; answer: WireResponse }): void {
    const { fabric, gid } = this.#hca;
    if (!fabric.isCut(this.#gid!, gid)) this.#waiting.get(id)?.(answer);
    this.#waiting.delete(id);
  }

  #down(): void {
    if (this.#gid !== null) this.#hca.fabric.unplug(this.#gid);
    this.#waiting.clear();
  }
}

/** ENODEV: the adapter has no driver. EOPNOTSUPP: its time is virtual. */
function assertLinkable(hca: Hca): void {
  if (hca.state === 'DOWN') throw new Errno('ENODEV', 'link: the adapter has no driver');
  if (hca.sched.on) throw new Errno('EOPNOTSUPP', 'link: only live machines can be linked');
}

const hungUp = (): Errno => new Errno('EPROTO', 'link: the other end hung up');

/** Connect an adapter to the one that listens at an address. Node's errors of connect(2). */
export async function connectLink(hca: Hca, address: LinkAddress): Promise<Link> {
  assertLinkable(hca);
  const socket = createConnection({ host: '127.0.0.1', ...address });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return Link.over(hca, socket);
}

/** Accepts links for one adapter, from any number of others. */
export class LinkServer {
  readonly #server: Server;
  /** Those that are links, and those that have not greeted yet. */
  readonly #sockets = new Set<Socket>();
  readonly #arrivals: Link[] = [];
  #arrived: (() => void) | null = null;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async listen(hca: Hca, address: LinkAddress): Promise<LinkServer> {
    assertLinkable(hca);
    const server = createServer();
    const self = new LinkServer(server);
    server.on('connection', (socket) => {
      self.#sockets.add(socket);
      socket.once('close', () => self.#sockets.delete(socket));
      void Link.over(hca, socket).then(
        (link) => self.#add(link),
        () => {}, // it was no link, and the socket is closed
      );
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: '127.0.0.1', ...address }, resolve);
    });
    return self;
  }

  /** The port, where one was asked for. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The next adapter that has connected; waits for one. One caller at a time. EINVAL: closed. */
  async accept(): Promise<Link> {
    while (this.#arrivals.length === 0) {
      if (!this.#server.listening) throw new Errno('EINVAL', 'link: nobody listens any more');
      await new Promise<void>((resolve) => (this.#arrived = resolve));
    }
    return this.#arrivals.shift()!;
  }

  #add(link: Link): void {
    this.#arrivals.push(link);
    this.#arrived?.();
  }

  /** Accept nobody any more, and end every link, and whoever has not greeted yet. */
  async close(): Promise<void> {
    const over = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#arrived?.();
    const ended = [...this.#sockets].map((socket) => {
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      socket.destroy();
      return closed;
    });
    await Promise.all([over, ...ended]);
  }
}
