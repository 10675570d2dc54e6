// Goal: no request of a node, and no method of its client, takes a bad argument: each is refused by
//   an errno that names the field, and nothing changes.
// Method: every field of every good argument is spoilt in every way; the compiler, and the list of
//   methods, see to it that none is left out.

import test, { type ExecutionContext } from 'ava';
import { isErrno } from '../../../lib/errno.js';
import { checkRequest, requestArguments } from '../../../drivers/v4l2/arguments.js';
import type { V4L2BufferArg } from '../../../drivers/v4l2/buffer.js';
import { VideoClient } from '../../../drivers/v4l2/client.js';
import type { VideoRequests } from '../../../drivers/v4l2/requests.js';
import { frameSize, Rig } from './rig.js';

type Deep<T> = T extends readonly unknown[] ? T : T extends object ? Required<T> : T;
type Good = { readonly [R in keyof VideoRequests]: Deep<VideoRequests[R]['arg']> };

const type = 'VIDEO_CAPTURE';
const buffer: Required<V4L2BufferArg> = {
  ...{ index: 1, type, memory: 'MMAP' as const, bytesused: 7, dataOffset: 0, length: frameSize },
  ...{ userptr: 4096, dmabuf: null, field: 'NONE' as const, timestampNs: 5, requestFd: 3 },
  flags: ['KEYFRAME'],
  planes: [{ bytesused: 1, dataOffset: 0, length: 7, userptr: 4096, dmabuf: null }],
};
const reqbufs = { count: 2, type, memory: 'MMAP', flags: ['NON_COHERENT'] } as const;
const format = { type, width: 640, height: 360, pixelformat: 'GREY', bytesperline: 0 } as const;
const control = { id: 'brightness', value: 5 } as const;
const event = { type: 'CTRL', id: 'brightness', flags: ['SEND_INITIAL'] } as const;

/** Every request with every field that it knows. */
const good: Good = {
  CREATE_BUFS: { ...reqbufs, sizeimage: frameSize, planeSizes: [frameSize] },
  DQBUF: { type },
  DQEVENT: undefined,
  ENUMINPUT: { index: 0 },
  ENUMOUTPUT: { index: 0 },
  ENUM_FMT: { index: 0, type },
  ENUM_FRAMEINTERVALS: { index: 0, pixelformat: 'YUYV', width: 640, height: 360 },
  ENUM_FRAMESIZES: { index: 0, pixelformat: 'YUYV' },
  EXPBUF: { index: 0, type, plane: 0, flags: ['cloexec'] },
  G_CTRL: { id: 'brightness' },
  G_EXT_CTRLS: [{ id: 'brightness' }],
  G_FMT: { type },
  G_INPUT: undefined,
  G_OUTPUT: undefined,
  G_PARM: { type },
  G_PRIORITY: undefined,
  PREPARE_BUF: buffer,
  QBUF: buffer,
  QUERYBUF: { index: 0, type },
  QUERYCAP: undefined,
  QUERYCTRL: { id: 'brightness' },
  QUERYMENU: { id: 'test_pattern', index: 0 },
  QUERY_EXT_CTRL: undefined,
  REMOVE_BUFS: { index: 0, count: 1, type },
  REQBUFS: reqbufs,
  STREAMOFF: { type },
  STREAMON: { type },
  SUBSCRIBE_EVENT: event,
  S_CTRL: control,
  S_EXT_CTRLS: [control],
  S_FMT: format,
  S_INPUT: 0,
  S_OUTPUT: 0,
  S_PARM: { type, timeperframe: { numerator: 1, denominator: 30 } },
  S_PRIORITY: 'RECORD',
  TRY_EXT_CTRLS: [control],
  TRY_FMT: format,
  UNSUBSCRIBE_EVENT: event,
};

const noNumbers = [NaN, 1.5, 2 ** 53, Infinity, '1', null, {}, Symbol('bad'), 4096n, true];
/** Neither a number of 32 bits, with a sign or without, nor an address. */
const badNumbers = [-(2 ** 53), ...noNumbers];
const badWords = ['BOGUS', 7, null, {}, Symbol('bad'), ['VIDEO_CAPTURE']];
/** Any string will do here: what it means is looked up later. */
const freeText = new Set(['pixelformat', 'id']);

function spoil(value: unknown, field: string): unknown[] {
  if (typeof value === 'number') return badNumbers;
  if (typeof value === 'string')
    return badWords.filter((w) => w !== 'BOGUS' || !freeText.has(field));
  if (value === null) return [7, 'x', {}, { len: 4096 }, new VideoClient({} as never)];
  if (Array.isArray(value)) return [7, null, 'x', {}, ...spoiltItems(value[0])];
  return [];
}

/** Lists of one that is spoilt. */
function spoiltItems(item: unknown): unknown[][] {
  if (typeof item !== 'object' || item === null) return spoil(item, '').map((bad) => [bad]);
  return spoilt(item).map(([, bad]) => [bad]);
}

/** [field, argument with that field spoilt] */
function spoilt(arg: unknown): [field: string, bad: unknown][] {
  if (Array.isArray(arg)) {
    const all: [string, unknown][] = [undefined, null, 7, {}].map((v) => ['', v]);
    for (const [field, bad] of spoilt(arg[0])) all.push([field, [bad]]);
    return all;
  }
  if (typeof arg !== 'object' || arg === null) return spoil(arg, '').map((bad) => ['', bad]);
  const all: [string, unknown][] = [undefined, null, 7, 'x', []].map((v) => ['', v]);
  for (const [field, value] of Object.entries(arg)) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      const inner = spoilt(value).filter(([, bad]) => bad !== undefined);
      for (const [, bad] of inner) all.push([field, { ...arg, [field]: bad }]);
    } else {
      for (const bad of spoil(value, field)) all.push([field, { ...arg, [field]: bad }]);
    }
  }
  return all;
}

/** All that a call may change. */
function snapshot({ bench }: Rig): unknown {
  const { state, mm, drivers } = bench;
  return [state.capture, state.output].map(({ node, unit, handles, priority }) => ({
    buffers: [...node.queue.buffers.values()].map((vb) => [vb.state, node.queue.describe(vb)]),
    queue: { ...node.queue.counters, streaming: node.queue.streaming, owned: node.owner !== null },
    unit: [
      unit.format,
      unit.interval,
      unit.controls
        .list()
        .map(({ id, type: kind }) => (kind === 'BUTTON' ? id : [id, unit.controls.get(id)])),
    ],
    handles: [handles.size, priority.highest, [...handles].map((h) => h.events.pending)],
    memory: [mm.allocator.nrFree, mm.pinTable.size],
    held: drivers.devices.map((device) => device.leaks()),
  }));
}

async function judge(
  t: ExecutionContext,
  rig: Rig,
  what: string,
  says: RegExp,
  call: () => Promise<unknown>,
): Promise<void> {
  const before = snapshot(rig);
  try {
    await rig.run(call());
    t.fail(`${what}: no refusal`);
  } catch (e) {
    if (!isErrno(e)) t.fail(`${what}: ${String(e)}`);
    else {
      t.true(['EINVAL', 'EFAULT', 'EBADF'].includes(e.code), `${what}: ${e.message}`);
      t.regex(e.message, says, what);
    }
  }
  t.deepEqual(snapshot(rig), before, what);
}

for (const request of Object.keys(good) as (keyof VideoRequests)[]) {
  test(`${request}: every bad field is refused by name, and nothing changes`, async (t) => {
    const rig = await Rig.open(t);
    await rig.request(2);
    const isOutput = request.endsWith('OUTPUT');
    const { io } = isOutput ? (await Rig.join(t, rig.bench, { node: 'video1' })).cam : rig.cam;
    t.notThrows(() => checkRequest(request, good[request]));
    if (good[request] === undefined) return;
    for (const [field, bad] of spoilt(good[request])) {
      const what = `${request} ${field} ${JSON.stringify(bad, (_k, v: unknown) =>
        typeof v === 'bigint' || typeof v === 'symbol' ? String(v) : v,
      )}`;
      const says = new RegExp(`${request}.*${field}`);
      await judge(t, rig, what, says, () => io.ioctl(request, bad as never));
    }
  });
}

test('the table of arguments has every request of both nodes', async (t) => {
  const rig = await Rig.open(t);
  const known = Object.keys(requestArguments).sort();
  t.deepEqual(known, Object.keys(good).sort());
  const { capture, output } = rig.bench.state;
  const own = [capture, output].flatMap((dev) => Object.keys(dev.fops(undefined).ioctls!));
  t.deepEqual([...new Set(own)].sort(), known);
});

test('what was there and is gone, or is of another kind, is refused by name', async (t) => {
  const rig = await Rig.open(t);
  const other = await Rig.join(t, rig.bench, { node: 'video1', app: rig.app });
  await other.request(2);
  const stale = await other.run(other.cam.exportBuffer(0));
  const foreign = await other.run(other.cam.exportBuffer(1));
  await other.run(other.cam.closeBuffer(stale));
  await rig.request(3, 'DMABUF');
  await rig.run(rig.cam.removeBuffers(2, 1));
  const queue = (more: object) => rig.cam.queueBuffer({ index: 0, memory: 'DMABUF', ...more });
  const calls: [string, RegExp, () => Promise<unknown>][] = [
    ['a removed buffer', /buffer 2/, () => queue({ index: 2, dmabuf: foreign })],
    ['a removed buffer', /buffer 2/, () => rig.cam.queryBuffer(2)],
    ['a removed buffer', /buffer 2/, () => rig.cam.removeBuffers(2, 1)],
    ['a closed dma-buf', /dmabuf/, () => queue({ dmabuf: stale })],
    ['a client', /dmabuf/, () => queue({ dmabuf: rig.cam })],
    ['a file', /dmabuf/, () => queue({ dmabuf: rig.app })],
    ['memory of another kind', /DMABUF/, () => rig.cam.queueBuffer({ index: 0, memory: 'MMAP' })],
    ['a closed dma-buf', /not open/, () => other.cam.closeBuffer(stale)],
    ["another file's dma-buf", /not open/, () => rig.cam.closeBuffer(foreign)],
    ['an unknown control', /__proto__/, () => rig.cam.getControl('__proto__')],
    ['an unknown control', /toString/, () => rig.cam.setControl('toString', 1)],
  ];
  // What vb2 takes before it refuses is taken: the plane is empty from here on.
  await rig.refuses('EINVAL', queue({ dmabuf: stale }));
  for (const [what, says, call] of calls) await judge(t, rig, what, says, call);
});

/** Bad arguments of each method, and the name that the refusal gives. Numbers stand for indexes. */
const methods: Readonly<
  Record<string, readonly (readonly [says: string, args: readonly unknown[]])[]>
> = {
  close: [],
  closeBuffer: [undefined, null, 7, {}, 'x'].map((v) => ['buf', [v]] as const),
  createBuffers: [
    ['CREATE_BUFS', [null]],
    ['count', [{ count: -1, memory: 'MMAP' }]],
  ],
  dequeueBuffer: badWords.map((v) => ['type', [v]] as const),
  dequeueEvent: [],
  enumFormat: [undefined, ...badNumbers].map((v) => ['index', [v]] as const),
  exportBuffer: [undefined, ...badNumbers].map((v) => ['index', [v]] as const),
  frames: [
    ...[null, 7, 'x', []].map((v) => ['frames: options', [v]] as const),
    ...[0, ...badNumbers].map((v) => ['count', [{ count: v }]] as const),
    ...[null, 7, {}, 'abort'].map((v) => ['signal', [{ signal: v }]] as const),
  ],
  getControl: [undefined, null, 7, {}, Symbol('bad')].map((v) => ['id', [v]] as const),
  getFormat: [],
  getParm: [],
  getPriority: [],
  mapBuffer: [
    ...[undefined, ...badNumbers].map((v) => ['index', [v]] as const),
    ...[null, 7, 'x', []].map((v) => ['mapBuffer: options', [0, v]] as const),
    ...[-1, 1, ...badNumbers].map((v) => ['plane', [0, { plane: v }]] as const),
    ...badWords.map((v) => ['prot', [0, { prot: v }]] as const),
    ...badWords.map((v) => ['share', [0, { share: v }]] as const),
  ],
  poll: [-1, NaN, '5', {}, 7n].map((v) => ['timeout', [v]] as const),
  prepareBuffer: [
    ['PREPARE_BUF', [undefined]],
    ['index', [{ index: NaN }]],
  ],
  queryBuffer: [undefined, ...badNumbers].map((v) => ['index', [v]] as const),
  queryCap: [],
  queueBuffer: [
    ['QBUF', [7]],
    ['index', [{ index: 2 ** 32 }]],
  ],
  read: [-1, NaN, 1.5, 2 ** 53, '5', null, {}].map((v) => ['len|length|count', [v]] as const),
  removeBuffers: [
    ...[undefined, ...badNumbers].map((v) => ['index', [v, 1]] as const),
    ...[undefined, ...badNumbers].map((v) => ['count', [0, v]] as const),
    ...badWords.map((v) => ['type', [0, 1, v]] as const),
  ],
  requestBuffers: [
    ['REQBUFS', ['x']],
    ['memory', [{ count: 1, memory: 'RAM' }]],
  ],
  setControl: [
    ...[undefined, null, 7, {}].map((v) => ['id', [v, 1]] as const),
    ...[undefined, ...badNumbers].map((v) => ['value', ['brightness', v]] as const),
  ],
  setFormat: [
    ['S_FMT', [undefined]],
    ['width', [{ ...format, width: -1 }]],
  ],
  setParm: [
    ['S_PARM', [null]],
    ['timeperframe', [{ timeperframe: 30 }]],
  ],
  setPriority: [undefined, ...badWords].map((v) => ['S_PRIORITY', [v]] as const),
  streamOff: badWords.map((v) => ['type', [v]] as const),
  streamOn: badWords.map((v) => ['type', [v]] as const),
  subscribeEvent: [
    ['SUBSCRIBE_EVENT', [null]],
    ['flags', [{ type: 'EOS', flags: ['X'] }]],
  ],
  tryFormat: [
    ['TRY_FMT', [7]],
    ['pixelformat', [{ ...format, pixelformat: 7 }]],
  ],
  unsubscribeEvent: [
    ['UNSUBSCRIBE_EVENT', [null]],
    ['type', [{ type: 'NONE' }]],
  ],
  write: [undefined, null, 'abc', [1, 2], 7].map((v) => ['data|buffer', [v]] as const),
};

test('no method of the client takes a bad argument, and every method is in the table', async (t) => {
  const own = Object.entries(Object.getOwnPropertyDescriptors(VideoClient.prototype));
  const calls = own.filter(([name, { value }]) => name !== 'constructor' && value !== undefined);
  t.deepEqual(calls.map(([name]) => name).sort(), Object.keys(methods).sort());
  const rig = await Rig.open(t);
  await rig.request(2);
  for (const [name, rows] of Object.entries(methods)) {
    const method = rig.cam[name as 'read'].bind(rig.cam) as (...args: unknown[]) => unknown;
    for (const [says, args] of rows) {
      const what = `${name} ${args.map((arg) => typeof arg).join()} for ${says}`;
      await judge(t, rig, what, new RegExp(says), async () => {
        const result = method(...args);
        return name === 'frames' ? (result as AsyncGenerator).next() : result;
      });
    }
  }
});
