// Goal: bad input to any request, every argument out of range, of the wrong type, stale or of
// another object's kind, gives its errno and changes nothing.

import test from 'ava';
import { requestNames } from '../../../drivers/rdma/uverbs.js';
import type { VerbsRequests } from '../../../drivers/rdma/requests.js';
import type { LayoutService } from '../../../lib/driver/layout-service.js';
import { isErrno } from '../../../lib/errno.js';
import { App, pages } from '../../support/driver-machine.js';
import { rdmaMachine } from '../../support/rdma.js';
import { assertBalanced } from '../../support/balance.js';

const layout: LayoutService = {
  takeLayoutLease: () => Promise.resolve({ label: 'lease', held: true, release() {} }),
  blockLayout: () => Promise.reject(new Error('not asked')),
};

interface Handles {
  readonly [name: string]: number;
}

/** A good argument of each request; handles by name. */
const good: { readonly [R in keyof VerbsRequests]: (h: Handles) => Record<string, unknown> } = {
  ADVISE_MR: (h) => ({ pd: h['pd'], advice: 'PREFETCH', flags: [], sgList: [] }),
  ALLOC_MW: (h) => ({ pd: h['pd'], type: 1 }),
  ALLOC_PD: () => ({}),
  CREATE_AH: (h) => ({ pd: h['pd'], attr: { dgid: 'fe80::1' } }),
  CREATE_COMP_CHANNEL: () => ({}),
  CREATE_CQ: () => ({ cqe: 4 }),
  CREATE_QP: (h) => ({ pd: h['pd'], sendCQ: h['cq'], recvCQ: h['cq'], type: 'RC', cap: {} }),
  CREATE_SRQ: (h) => ({ pd: h['pd'], attr: { maxWR: 4, maxSGE: 1, srqLimit: 0 } }),
  DEALLOC_MW: (h) => ({ handle: h['mw'] }),
  DEALLOC_PD: (h) => ({ handle: h['emptyPd'] }),
  DEREG_MR: (h) => ({ handle: h['mr'] }),
  DESTROY_AH: (h) => ({ handle: h['ah'] }),
  DESTROY_COMP_CHANNEL: (h) => ({ handle: h['channel'] }),
  DESTROY_CQ: (h) => ({ handle: h['emptyCq'] }),
  DESTROY_QP: (h) => ({ handle: h['qp'] }),
  DESTROY_SRQ: (h) => ({ handle: h['srq'] }),
  GET_ASYNC_EVENT: () => ({}),
  GET_CQ_EVENT: (h) => ({ channel: h['channel'] }),
  MODIFY_QP: (h) => ({ qp: h['qp'], attr: { qpState: 'ERR' } }),
  MODIFY_SRQ: (h) => ({ srq: h['srq'], srqLimit: 1 }),
  POLL_CQ: (h) => ({ cq: h['cq'], max: 1 }),
  POST_RECV: (h) => ({ qp: h['qp'], wr: { wrId: 1, sgList: [] } }),
  POST_SEND: (h) => ({ qp: h['qp'], wr: { wrId: 1, opcode: 'SEND' } }),
  POST_SRQ_RECV: (h) => ({ srq: h['srq'], wr: { wrId: 1 } }),
  QUERY_DEVICE: () => ({}),
  QUERY_MR: (h) => ({ mr: h['mr'] }),
  QUERY_QP: (h) => ({ qp: h['qp'] }),
  QUERY_SRQ: (h) => ({ srq: h['srq'] }),
  REG_DMABUF_MR: (h) => ({ pd: h['pd'], buf: null, addr: 0, offset: 0, len: 1, access: [] }),
  REG_MR: (h) => ({ pd: h['pd'], addr: h['addr'], len: 4096, access: ['local_write'] }),
  REG_MR_LEASE: (h) => ({ pd: h['pd'], addr: h['addr'], len: 4096, access: [] }),
  REQ_NOTIFY_CQ: (h) => ({ cq: h['cq'], solicitedOnly: false }),
  REREG_MR: (h) => ({ mr: h['mr'], flags: ['access'], access: ['local_write'] }),
  RESIZE_CQ: (h) => ({ cq: h['cq'], cqe: 8 }),
  RETURN_MR: (h) => ({ mr: h['mr'] }),
  WAIT_CQ: (h) => ({ cq: h['cq'], max: 1, timeoutNs: 0 }),
};

const handleFields = new Set([
  'pd',
  'mr',
  'mw',
  'qp',
  'cq',
  'srq',
  'handle',
  'channel',
  'sendCQ',
  'recvCQ',
]);

/** What a field is replaced by, and what may be the answer. */
function garbageFor(field: string): readonly [value: unknown, answers: RegExp][] {
  if (handleFields.has(field)) {
    return [
      [4711, /^ENOENT/],
      [-1, /^EINVAL/],
      [1.5, /^EINVAL/],
      [NaN, /^EINVAL/],
      ['0', /^EINVAL/],
      [null, /^EINVAL/],
      [{}, /^EINVAL/],
    ];
  }
  const values: unknown[] = [null, NaN, -1, 2 ** 53, 0.5, {}, 'garbage', Symbol('x'), [null], true];
  return values.map((v) => [v, /^E[A-Z]+/]);
}

for (const request of requestNames) {
  test(`${request}: each bad argument has its errno and changes nothing`, async (t) => {
    const m = rdmaMachine({ layout });
    await m.run(async (task) => {
      const app = new App(m, task);
      const file = await app.openNode('rdma0', ['rdwr', 'nonblock']);
      const call = (name: keyof VerbsRequests, arg: unknown): Promise<unknown> =>
        file.ioctl(app.caller, name, arg);
      const made = async (name: keyof VerbsRequests, h: Handles): Promise<number> =>
        ((await call(name, good[name](h))) as { handle: number }).handle;
      const h: Record<string, number> = { addr: await app.map(2) };
      h['emptyPd'] = await made('ALLOC_PD', h);
      h['pd'] = await made('ALLOC_PD', h);
      h['emptyCq'] = await made('CREATE_CQ', h);
      h['cq'] = await made('CREATE_CQ', h);
      h['channel'] = await made('CREATE_COMP_CHANNEL', h);
      h['srq'] = await made('CREATE_SRQ', h);
      h['mw'] = await made('ALLOC_MW', h);
      h['ah'] = await made('CREATE_AH', h);
      h['qp'] = await made('CREATE_QP', h);
      h['mr'] = await made('REG_MR', h);
      const state = (): unknown => [
        app.process.mm.pinnedVm,
        m.hca.regions.size,
        m.hca.windows.size,
        m.hca.queuePairs.size,
        m.hca.addressHandles.size,
      ];
      const before = state();
      const refused = async (arg: unknown, answers: RegExp, what: string): Promise<void> => {
        const error = await t.throwsAsync(() => call(request, arg), undefined, what);
        t.true(isErrno(error), `${what}: ${String(error?.stack)}`);
        t.regex(error!.message, answers, what);
        t.deepEqual(state(), before, what);
      };
      for (const arg of [null, undefined, 5, 'x', []]) await refused(arg, /^EINVAL/, String(arg));
      const block = m.core.device('rdma0').allocPages(1, 'frame');
      const buf = m.core.device('rdma0').exportDmaBuf(block, 'frame');
      const arg = good[request](h);
      if (request === 'REG_DMABUF_MR') arg['buf'] = buf;
      for (const field of Object.keys(arg)) {
        for (const [value, answers] of garbageFor(field)) {
          if (accepts(request, field, value)) continue;
          await refused({ ...arg, [field]: value }, answers, `${field} = ${String(value)}`);
        }
        if (!handleFields.has(field)) continue;
        const other =
          field === 'cq' || field === 'sendCQ' || field === 'recvCQ' ? h['pd'] : h['cq'];
        const wrong = field === 'handle' && request === 'DESTROY_CQ' ? h['pd'] : other;
        await refused({ ...arg, [field]: wrong }, /^EINVAL/, `${field} of another kind`);
      }
      await app.close(file);
      buf.putFile();
      block.free();
      await app.exit();
    });
    assertBalanced(t, m.env, { mms: m.mms });
  });
}

/** Values that are no garbage for this field after all. */
function accepts(request: string, field: string, value: unknown): boolean {
  if (field === 'solicitedOnly') return value === true;
  const isPlain = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (field === 'cap' || (field === 'attr' && request === 'MODIFY_QP')) return isPlain;
  return field === 'addr' && request === 'REG_DMABUF_MR';
}

test('what is not written here is ENOTTY', async (t) => {
  const m = rdmaMachine();
  await m.run(async (task) => {
    const app = new App(m, task);
    const file = await app.openNode('rdma0');
    await t.throwsAsync(() => file.ioctl(app.caller, 'CREATE_FLOW', {}), { message: /^ENOTTY/ });
    t.is(pages(1), 4096);
    await app.close(file);
  });
});
