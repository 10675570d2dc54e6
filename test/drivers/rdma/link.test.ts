// Goal: two adapters in two processes are two adapters: what works on one wire works on the other,
//   and a peer whose region was revoked gets errors, while nothing else happens to it.
// Method: a child process with a machine of its own does what it is told over IPC.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  connectLink,
  Hca,
  Link,
  type LinkAddress,
  LinkServer,
} from '../../../drivers/rdma/index.js';
import type { FabricConditions } from '../../../drivers/rdma/fabric.js';
import type { SendWR } from '../../../drivers/rdma/verbs-context.js';
import { isErrno } from '../../../lib/errno.js';
import { us } from '../../../lib/units.js';
import {
  connectAcross,
  fileRegion,
  linkedMachine,
  type Linked,
} from '../../support/rdma-linked.js';
import { watchBalance } from '../../support/end-of-file.js';
import { rdmaMachine } from '../../support/rdma.js';
import type { PeerHello, PeerRequest } from '../../support/rdma-peer.js';
import { root, runSources } from '../../support/root.js';

async function linked(gid: string): Promise<Linked> {
  const end = await linkedMachine(gid);
  watchBalance(end.machine.mm);
  return end;
}

class Peer {
  readonly child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.child = child;
  }

  static async start(t: ExecutionContext, gid: string): Promise<Peer> {
    const path = join(root, 'test/support/rdma-peer.ts');
    const child = fork(path, [gid], {
      execArgv: [...runSources],
      serialization: 'advanced',
    });
    t.teardown(() => child.kill('SIGKILL'));
    const died = once(child, 'exit').then(() =>
      Promise.reject(new Error('the peer did not start')),
    );
    await Promise.race([once(child, 'message'), died]);
    died.catch(() => {}); // when it is over it may
    return new Peer(child);
  }

  async ask<T = string>(request: PeerRequest): Promise<T> {
    this.child.send(request);
    const [{ value, error }] = (await once(this.child, 'message')) as [
      { value?: T; error?: string },
    ];
    if (error !== undefined) throw new Error(error);
    return value!;
  }

  kill(): Promise<unknown> {
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    return gone;
  }
}

interface Across {
  readonly here: Linked;
  readonly peer: Peer;
  readonly link: Link;
  readonly hello: PeerHello;
}

async function across(t: ExecutionContext, address: LinkAddress): Promise<Across> {
  const here = await linked('fe80::a');
  const server = await LinkServer.listen(here.hca, address);
  t.teardown(async () => {
    await server.close();
    await here.machine.powerOff();
  });
  const peer = await Peer.start(t, 'fe80::b');
  const at = 'port' in address ? { port: server.port } : address;
  const hello = await peer.ask<PeerHello>({ do: 'link', address: at, gid: 'fe80::a' });
  const link = await server.accept();
  await connectAcross(here, { gid: 'fe80::b', qpNum: hello.qpNum });
  await peer.ask({ do: 'connect', gid: 'fe80::a', qpNum: here.qp.qpNum });
  return { here, peer, link, hello };
}

const unixSocket = (t: ExecutionContext): LinkAddress => {
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-link-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return { path: join(folder, 'wire') };
};

const write = { wrId: 1, opcode: 'RDMA_WRITE', flags: ['signaled'] } as const;
const read = { wrId: 2, opcode: 'RDMA_READ', flags: ['signaled'] } as const;

for (const kind of ['Unix socket', 'TCP'] as const) {
  test(`${kind}: WRITE, READ and SEND of another process reach this one's memory`, async (t) => {
    const address = kind === 'TCP' ? { port: 0 } : unixSocket(t);
    const { here, peer, link } = await across(t, address);
    const { app, ctx, qp, cq, mr } = here;
    const target = { remoteAddr: mr.addr, rkey: mr.rkey };
    const post = { do: 'post', len: 5000 } as const;
    t.is(await peer.ask({ ...post, fill: 0x41, wr: { ...write, ...target } }), 'SUCCESS');
    t.deepEqual([...(await app.load(mr.addr + 4999, 2))], [0x41, 0]);
    await app.store(mr.addr, new Uint8Array(5000).fill(0x42));
    t.is(await peer.ask({ ...post, wr: { ...read, ...target } }), 'SUCCESS');
    t.deepEqual(await peer.ask<number[]>({ do: 'load', pos: 4998, len: 3 }), [0x42, 0x42, 0]);
    await ctx.postRecv(qp, { wrId: 9, sgList: [{ addr: mr.addr, len: 8192, lkey: mr.lkey }] });
    const send = { wrId: 3, opcode: 'SEND', flags: ['signaled'] } as const;
    t.is(await peer.ask({ ...post, fill: 0x43, wr: send }), 'SUCCESS');
    const [wc] = await ctx.waitCQ(cq);
    t.like(wc, { wrId: 9, status: 'SUCCESS', opcode: 'RECV', byteLen: 5000 });
    t.is((await app.load(mr.addr, 1))[0], 0x43);
    t.deepEqual([link.gid, link.up, link.counters.corrupted], ['fe80::b', true, 0]);
  });
}

test('a peer whose region was revoked by truncate gets REM_ACCESS_ERR, and no more', async (t) => {
  const { here, peer, hello } = await across(t, unixSocket(t));
  const { machine, app, ctx, pd, qp, mr } = here;
  const target = { remoteAddr: mr.addr, rkey: mr.rkey };
  const post = { do: 'post', len: 64 } as const;
  t.is(await peer.ask({ ...post, fill: 0x51, wr: { ...write, ...target } }), 'SUCCESS');
  await machine.spawn('admin').truncate('/data', 0);
  t.is((await ctx.queryMR(mr)).state, 'REVOKED');
  t.is(await peer.ask({ ...post, fill: 0x52, wr: { ...write, ...target } }), 'REM_ACCESS_ERR');
  t.is(await peer.ask({ ...post, wr: { ...write, ...target } }), 'WR_FLUSH_ERR');
  t.deepEqual(machine.referee.verdict().stray, []);
  t.is(await ctx.qpState(qp), 'ERR');
  const other = await fileRegion(app, ctx, pd, '/other');
  await connectAcross(here, { gid: 'fe80::b', qpNum: hello.qpNum });
  await peer.ask({ do: 'connect', gid: 'fe80::a', qpNum: qp.qpNum });
  const anew = { remoteAddr: other.addr, rkey: other.rkey };
  t.is(await peer.ask({ ...post, wr: { ...write, ...anew } }), 'SUCCESS');
  t.is((await app.load(other.addr, 1))[0], 0x52, 'its process, memory and link are as they were');
});

test('a peer that dies: retry_cnt timeouts, then RETRY_EXC_ERR', async (t) => {
  const { here, peer, link, hello } = await across(t, unixSocket(t));
  const { ctx, qp, cq, mr } = here;
  const impatient = { timeout: 10, retryCnt: 2 };
  await connectAcross(here, { gid: 'fe80::b', qpNum: hello.qpNum }, impatient);
  await peer.kill();
  await link.closed;
  t.false(link.up);
  await ctx.postSend(qp, {
    ...write,
    sgList: [{ addr: mr.addr, len: 64, lkey: mr.lkey }],
    ...{ remoteAddr: hello.addr, rkey: hello.rkey },
  });
  const [wc] = await ctx.waitCQ(cq);
  t.is(wc?.status, 'RETRY_EXC_ERR');
});

test('delay, loss and a partition are those of the sending fabric', async (t) => {
  const { here, hello } = await across(t, unixSocket(t));
  const { app, ctx, qp, cq, mr, hca } = here;
  const one = {
    ...write,
    sgList: [{ addr: mr.addr, len: 64, lkey: mr.lkey }],
    ...{ remoteAddr: hello.addr, rkey: hello.rkey },
  };
  const status = async (): Promise<string | undefined> => {
    await ctx.postSend(qp, one);
    return (await ctx.waitCQ(cq))[0]?.status;
  };
  await app.store(mr.addr, new Uint8Array(64).fill(7));
  hca.fabric.conditions.delayNs = us(300);
  const begun = here.machine.clock.nowNs;
  t.is(await status(), 'SUCCESS');
  t.true(here.machine.clock.nowNs - begun >= us(600), 'there and back');
  hca.fabric.conditions.delayNs = 0;
  hca.fabric.partition('fe80::b');
  await connectAcross(here, { gid: 'fe80::b', qpNum: hello.qpNum }, { timeout: 10, retryCnt: 2 });
  t.is(await status(), 'RETRY_EXC_ERR');
  hca.fabric.heal();
  t.is(await status(), 'WR_FLUSH_ERR');
});

test('two adapters of one address cannot be linked; what is no frame ends the stream', async (t) => {
  const here = await linked('fe80::a');
  const server = await LinkServer.listen(here.hca, { port: 0 });
  const twin = await linked('fe80::a');
  t.teardown(async () => {
    await server.close();
    await here.machine.powerOff();
    await twin.machine.powerOff();
  });
  const e = await t.throwsAsync(connectLink(twin.hca, { port: server.port }));
  t.true(isErrno(e, 'EEXIST') || isErrno(e, 'EPROTO'), String(e));
  const stranger = createConnection({ host: '127.0.0.1', port: server.port });
  stranger.on('error', () => {});
  stranger.write('GET / HTTP/1.1\r\nHost: nobody\r\n\r\n');
  stranger.resume();
  await once(stranger, 'close');
  t.false(here.hca.fabric.knows('fe80::b'));
});

test('closing the server hangs up on whoever has not greeted, and ends accept()', async (t) => {
  const here = await linked('fe80::a');
  const server = await LinkServer.listen(here.hca, { port: 0 });
  const silent = createConnection({ host: '127.0.0.1', port: server.port });
  t.teardown(() => silent.destroy());
  silent.on('error', () => {});
  await once(silent, 'data'); // our HELLO: the server has it
  const ended = once(silent, 'close');
  const accepting = server.accept();
  await Promise.all([server.close(), t.throwsAsync(accepting, { code: 'EINVAL' })]);
  await ended;
  await t.throwsAsync(server.accept(), { code: 'EINVAL' });
  t.false(here.hca.fabric.knows('fe80::b'));
  await here.machine.powerOff();
});

test('a machine whose time is virtual cannot be linked, nor an adapter without driver', async (t) => {
  const { hca } = rdmaMachine();
  for (const [end, code] of [
    [hca, 'EOPNOTSUPP'],
    [new Hca(), 'ENODEV'],
  ] as const) {
    const connecting = await t.throwsAsync(connectLink(end, { port: 1 }));
    const listening = await t.throwsAsync(LinkServer.listen(end, { port: 0 }));
    t.true(isErrno(connecting, code) && isErrno(listening, code));
  }
});

/** A bad wire, for both directions, and tries enough to get through it. */
const bad = { delayNs: us(200), jitterNs: us(3000), loss: 0.1 };
const stubborn = { timeout: 15, retryCnt: 7, rnrRetry: 7, maxRdAtomic: 4, maxDestRdAtomic: 4 };

async function worsen(
  { here, peer, hello }: Across,
  conditions: Partial<FabricConditions>,
): Promise<void> {
  Object.assign(here.hca.fabric.conditions, conditions);
  await peer.ask({ do: 'conditions', conditions });
  await connectAcross(here, { gid: 'fe80::b', qpNum: hello.qpNum }, stubborn);
  const back = { gid: 'fe80::a', qpNum: here.qp.qpNum };
  await peer.ask({ do: 'connect', ...back, attr: stubborn });
}

const sixteen = Array.from({ length: 16 }, (_, i) => i);
const allGood = sixteen.map((i) => `${i} SUCCESS`);

for (const kind of ['Unix socket', 'TCP'] as const) {
  test(`${kind}: over loss, reordering and delay SENDs arrive once and in order`, async (t) => {
    const pairing = await across(t, kind === 'TCP' ? { port: 0 } : unixSocket(t));
    await worsen(pairing, bad);
    const { here, peer } = pairing;
    const { app, ctx, qp, cq, mr } = here;
    const sge = (i: number) => ({ addr: mr.addr + i * 100, len: 100, lkey: mr.lkey });
    await ctx.postRecv(
      qp,
      sixteen.map((i) => ({ wrId: i, sgList: [sge(i)] })),
    );
    const wrs = sixteen.map((i) => ({ wrId: i, opcode: 'SEND', flags: ['signaled'] }) as const);
    t.deepEqual(await peer.ask<string[]>({ do: 'posts', wrs, len: 100 }), allGood);
    const got = await ctx.pollCQ(cq, 64);
    t.deepEqual(
      got.map(({ wrId, status }) => `${wrId} ${status}`),
      allGood,
    );
    const bytes = await app.load(mr.addr, 1600);
    t.true(bytes.every((byte, i) => byte === Math.floor(i / 100) + 1));
  });

  test(`${kind}: over loss and delay atomics are carried out once each`, async (t) => {
    const pairing = await across(t, kind === 'TCP' ? { port: 0 } : unixSocket(t));
    await worsen(pairing, bad);
    const { here, peer } = pairing;
    const wrs = sixteen.map((i) => ({
      ...{ wrId: i, opcode: 'ATOMIC_FETCH_AND_ADD', flags: ['signaled'] as const },
      ...{ remoteAddr: here.mr.addr, rkey: here.mr.rkey, compareAdd: 1n },
    })) as Omit<SendWR, 'sgList'>[];
    t.deepEqual(await peer.ask<string[]>({ do: 'posts', wrs, len: 8 }), allGood);
    t.is((await here.app.load(here.mr.addr, 1))[0], 16);
    const old = await peer.ask<number[]>({ do: 'load', pos: 0, len: 128 });
    t.deepEqual(
      sixteen.map((i) => old[i * 8]),
      sixteen,
    );
  });

  test(`${kind}: a partition in the middle ends in RETRY_EXC_ERR, and heals`, async (t) => {
    const pairing = await across(t, kind === 'TCP' ? { port: 0 } : unixSocket(t));
    await worsen(pairing, { delayNs: us(100) });
    const { here, peer, hello, link } = pairing;
    const impatient = { timeout: 10, retryCnt: 1, rnrRetry: 0 };
    const back = { gid: 'fe80::a', qpNum: here.qp.qpNum };
    await peer.ask({ do: 'connect', ...back, attr: impatient });
    here.hca.fabric.partition('fe80::b');
    const target = { remoteAddr: here.mr.addr, rkey: here.mr.rkey };
    const wrs = [0, 1, 2].map((wrId) => ({ ...write, ...target, wrId }));
    const ended = await peer.ask<string[]>({ do: 'posts', wrs, len: 64 });
    t.deepEqual(ended, ['0 RETRY_EXC_ERR', '1 WR_FLUSH_ERR', '2 WR_FLUSH_ERR']);
    here.hca.fabric.heal();
    const anew = { ...stubborn, sqPsn: 5000, rqPsn: 5000 }; // what is still on its way is old
    await connectAcross(here, { gid: 'fe80::b', qpNum: hello.qpNum }, anew);
    await peer.ask({ do: 'connect', ...back, attr: anew });
    const post = { do: 'post', len: 64, fill: 0x61, wr: { ...write, ...target } } as const;
    t.is(await peer.ask(post), 'SUCCESS');
    t.is((await here.app.load(here.mr.addr, 1))[0], 0x61);
    t.true(link.up);
  });
}
