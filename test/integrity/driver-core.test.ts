// Goal: neither the driver core nor a device takes an argument that is none, and a driver that
// takes and gives back in the wrong order is stopped by an assertion that names what it did.
// Method: every public call of the core, of a bound device, of its bus and of what it hands out.

import test from 'ava';
import { BoundDevice, type DriverCoreEnv } from '../../lib/driver/bound-device.js';
import { Bus } from '../../lib/driver/bus.js';
import { DriverCore } from '../../lib/driver/core.js';
import { DaxPages } from '../../lib/driver/dax-pages.js';
import type { Device, DevicePinRequest } from '../../lib/driver/device.js';
import type { DmaMapping } from '../../lib/driver/dma.js';
import { DmaBuf, DmaBufAttachment } from '../../lib/driver/dma-buf.js';
import { defineDriver, type Driver } from '../../lib/driver/driver.js';
import { delay, failNth, logCalls } from '../../lib/driver/filters.js';
import { PageBlock } from '../../lib/driver/page-block.js';
import { PinnedPages } from '../../lib/mm/pinned-pages.js';
import { assertBalanced } from '../support/balance.js';
import { App, type DriverMachine, driverMachine } from '../support/driver-machine.js';
import {
  assertEveryCall,
  badDirectCalls,
  methodsOf,
  noBytes,
  noCounts,
  noFunctions,
  noObjects,
  noStrings,
  type DirectRow,
} from '../support/direct-calls.js';

const noLengths = [...noCounts, undefined];
const noBooleans = [undefined, 7, 'yes', null, {}];
const noNames = [...noStrings, '', 'Bad Name', '../x'];
const noWords = ['bogus', 'toString', ...noStrings];

const toy = defineDriver({
  name: 'toy',
  apiVersion: 1,
  idTable: [{ compatible: 'emul,toy' }],
  probe: () => {},
});

interface Bench {
  readonly m: DriverMachine;
  readonly app: App;
  readonly dev: BoundDevice;
  readonly addr: number;
}

/** Run body as the only task of a machine with one device. */
async function onBench(
  body: (b: Bench) => Promise<void>,
  mode: 'simulated' | 'live' = 'simulated',
): Promise<DriverMachine> {
  const m = driverMachine({ iommu: 'strict', sched: { mode } });
  m.core.register(toy);
  const dev = m.core.addDevice('emul,toy', {})!;
  dev.addNode('toy0', { open() {}, release() {} });
  await m.run(async (task) => {
    const app = new App(m, task);
    await body({ m, app, dev, addr: await app.map(4) });
    await app.exit();
    t0(await m.core.shutdown(task));
  });
  return m;
}

const t0 = (leaked: readonly unknown[]): void => {
  if (leaked.length > 0) throw new Error(`leaked ${JSON.stringify(leaked)}`);
};

const digest = ({ m, dev }: Bench): unknown => [
  m.core.devices.map(({ name }) => name),
  m.core.nodes,
  [dev.state, dev.leaks(), dev.iommu.nrMappings, dev.lines],
  [m.env.pinTable.size, m.env.vmstat.pinsOutstanding, m.env.allocator.nrFree],
];

const driverCoreRows = ({ m, app }: Bench): DirectRow[] => {
  const { core } = m;
  const { task, caller } = app;
  const bare = defineDriver({ ...toy, name: 'bare', idTable: [{ compatible: 'emul,bare' }] });
  return [
    { call: 'register', arg: 'driver', values: [...noObjects, {}], make: (v) => core.register(v) },
    ...(
      [
        ['compatible', [...noStrings, ''], (v: never) => core.addDevice(v, {})],
        ['opts', [null, 7], (v: never) => core.addDevice('emul,toy', {}, v)],
        [
          'name',
          [null, 7, '', 'a b', '../x'],
          (name: never) => core.addDevice('emul,toy', {}, { name }),
        ],
        ['filter', [null, 7, {}], (filter: never) => core.addDevice('emul,toy', {}, { filter })],
      ] as const
    ).map(([arg, values, make]): DirectRow => ({ call: 'addDevice', arg, values, make })),
    { call: 'addEmulated', arg: 'driver', values: noObjects, make: (v) => core.addEmulated(v) },
    { call: 'addEmulated', arg: 'opts', values: [null, 7], make: (v) => core.addEmulated(toy, v) },
    {
      ...{ call: 'addEmulated', arg: 'bare', values: [bare], codes: ['ENODEV'] },
      make: (v: Driver) => core.addEmulated(v),
    },
    {
      call: 'device',
      arg: 'device',
      values: noNames,
      make: (v) => core.device(v),
      codes: ['ENODEV'],
    },
    {
      call: 'openNode',
      arg: 'caller',
      values: [...noObjects, {}],
      make: (v) => core.openNode(v, 'toy0'),
    },
    {
      ...{ call: 'openNode', arg: 'node', values: [...noNames, 'toy9'], codes: ['ENOENT'] },
      make: (v) => core.openNode(caller, v),
    },
    {
      ...{ call: 'openNode', arg: 'flags', values: ['rdwr', 7, null, ['bogus'], [7]] },
      make: (v) => core.openNode(caller, 'toy0', v),
    },
    {
      ...{ call: 'unbind', arg: 'device', values: [...noNames, 'toy9'], codes: ['ENODEV'] },
      make: (v) => core.unbind(task, v),
    },
    {
      ...{ call: 'fencePins', arg: 'pins', values: [...noObjects, [null], [{}]] },
      make: (v) => core.fencePins(task, v, 'test'),
    },
    { call: 'fencePins', arg: 'why', values: noStrings, make: (v) => core.fencePins(task, [], v) },
  ];
};

test('no call on the driver core takes a bad argument, or changes anything for one', async (t) => {
  await onBench(async (b) => {
    const rows = driverCoreRows(b);
    const { problems, inputs } = await badDirectCalls(rows, () => digest(b));
    t.deepEqual(problems, []);
    const calls = methodsOf(DriverCore.prototype);
    assertEveryCall(t, calls, rows, ['shutdown']);
    t.log(`${calls.length} calls, ${inputs} bad inputs`);
  });
});

const badPin: Readonly<Record<string, readonly unknown[]>> = {
  address: noLengths,
  length: noLengths,
  access: noWords,
  force: [7, 'yes', null],
  onShort: ['bogus', 7, null],
  longterm: noBooleans,
};
const pinField: Readonly<Record<string, string>> = { address: 'addr', length: 'len' };

const pinRows = ({ app, dev, addr }: Bench): DirectRow[] => {
  const call = 'pinUserPages';
  const good = { addr, len: 4096, access: 'write', longterm: false } as const;
  const pin = (part: object) =>
    dev.pinUserPages(app.caller, { ...good, ...part } as unknown as DevicePinRequest);
  return [
    ...Object.entries(badPin).map(([arg, values]): DirectRow => {
      return { call, arg, values, make: (v) => pin({ [pinField[arg] ?? arg]: v }) };
    }),
    { call, arg: 'length', values: [2 ** 52], make: (len) => pin({ len }), codes: ['ENOMEM'] },
    { call, arg: 'revoke', values: noFunctions, make: (revoke) => pin({ longterm: true, revoke }) },
    {
      ...{ call, arg: 'irrevocable', values: [7, 'yes', null] },
      make: (irrevocable) => pin({ longterm: true, irrevocable }),
    },
    { call, arg: 'request', values: noObjects, make: (v) => dev.pinUserPages(app.caller, v) },
    { call, arg: 'caller', values: [...noObjects, {}], make: (v) => dev.pinUserPages(v, good) },
  ];
};

const rangeRows = ({ app, dev, addr }: Bench): DirectRow[] => {
  const { caller, task } = app;
  const invalidate = (): void => {};
  const watch = { addr, len: 4096, invalidate };
  const lease = { addr, len: 4096, onBreak() {} };
  const layout = {
    fd: 0,
    pos: 0,
    len: 1,
    access: 'read',
    onRecall: () => Promise.resolve(),
  } as const;
  const row = (call: string, arg: string, values: readonly unknown[], make: DirectRow['make']) =>
    ({ call, arg, values, make }) as const;
  return [
    row('watchRange', 'caller', [...noObjects, {}], (v) => dev.watchRange(v, watch)),
    row('watchRange', 'request', noObjects, (v) => dev.watchRange(caller, v)),
    row('watchRange', 'address', noLengths, (v) => dev.watchRange(caller, { ...watch, addr: v })),
    row('watchRange', 'length', [0, ...noLengths], (len) =>
      dev.watchRange(caller, { ...watch, len }),
    ),
    row('watchRange', 'invalidate', noFunctions, (v) =>
      dev.watchRange(caller, { ...watch, invalidate: v }),
    ),
    {
      ...row('faultRange', 'watch', noObjects, (v) => dev.faultRange(task, v, {} as never)),
      bug: true,
    },
    row('takeLayoutLease', 'caller', [...noObjects, {}], (v) => dev.takeLayoutLease(v, lease)),
    row('takeLayoutLease', 'request', noObjects, (v) => dev.takeLayoutLease(caller, v)),
    row('takeLayoutLease', 'address', noLengths, (v) =>
      dev.takeLayoutLease(caller, { ...lease, addr: v }),
    ),
    row('takeLayoutLease', 'length', noLengths, (len) =>
      dev.takeLayoutLease(caller, { ...lease, len }),
    ),
    row('takeLayoutLease', 'onBreak', noFunctions, (onBreak) =>
      dev.takeLayoutLease(caller, { ...lease, onBreak }),
    ),
    row('blockLayout', 'caller', [...noObjects, {}], (v) => dev.blockLayout(v, layout)),
    row('blockLayout', 'request', noObjects, (v) => dev.blockLayout(caller, v)),
    {
      ...row('blockLayout', 'fd', noLengths, (fd) => dev.blockLayout(caller, { ...layout, fd })),
      codes: ['EBADF'],
    },
    row('blockLayout', 'position', noLengths, (pos) => dev.blockLayout(caller, { ...layout, pos })),
    row('blockLayout', 'length', noLengths, (len) => dev.blockLayout(caller, { ...layout, len })),
    row('blockLayout', 'access', noWords, (access) =>
      dev.blockLayout(caller, { ...layout, access }),
    ),
    row('blockLayout', 'onRecall', noFunctions, (onRecall) =>
      dev.blockLayout(caller, { ...layout, onRecall }),
    ),
  ];
};

const ownRows = (b: Bench, block: PageBlock): DirectRow[] => {
  const { dev, app, addr } = b;
  const vma = app.process.mm.vmaAt(addr)!;
  const fops = { open() {}, release() {} };
  const noPfns = [
    ...noObjects,
    [1],
    new Uint32Array(0),
    Uint32Array.of(0),
    Uint32Array.of(2 ** 31),
  ];
  const lent = { borrowed: block.pfns, pos: 0, len: 4096 };
  const row = (call: string, arg: string, values: readonly unknown[], make: DirectRow['make']) =>
    ({ call, arg, values, make }) as const;
  const sources = [...noObjects, {}, [7], [null], { pages: 7 }, { borrowed: [], pos: 0, len: 1 }];
  return [
    row('allocPages', 'nrPages', [0, ...noLengths], (v) => dev.allocPages(v, 'x')),
    {
      ...row('allocPages', 'nrPages', [2 ** 20, 2 ** 40], (v) => dev.allocPages(v, 'x')),
      codes: ['ENOMEM'],
    },
    row('allocPages', 'label', noStrings, (v) => dev.allocPages(1, v)),
    row('dmaMap', 'source', sources, (v) => dev.dmaMap(v, 'to-device')),
    row('dmaMap', 'position', noLengths, (pos) => dev.dmaMap({ ...lent, pos }, 'to-device')),
    row('dmaMap', 'length', [8192 * 4, ...noLengths], (len) =>
      dev.dmaMap({ ...lent, len }, 'to-device'),
    ),
    row('dmaMap', 'dir', noWords, (v) => dev.dmaMap(block, v)),
    { ...row('dmaMap', 'no pins', [[]], (v) => dev.dmaMap(v, 'to-device')), bug: true },
    { ...row('dmaUnmap', 'mapping', [...noObjects, {}], (v) => dev.dmaUnmap(v)), bug: true },
    row('insertPages', 'vma', [...noObjects, {}], (v) => dev.insertPages(v, block, 0)),
    row('insertPages', 'block', [...noObjects, {}], (v) => dev.insertPages(vma, v, 0)),
    row('insertPages', 'pgoff', [3, ...noLengths], (v) => dev.insertPages(vma, block, v)),
    row('insertPages', 'pages', [0], (v) => dev.insertPages(vma, block, v)),
    row('daxPages', 'pfns', noPfns, (v) => dev.daxPages(v, 'x')),
    row('daxPages', 'label', noStrings, (v) => dev.daxPages(Uint32Array.of(block.pfns[0]!), v)),
    row('exportDmaBuf', 'block', [...noObjects, {}], (v) => dev.exportDmaBuf(v, 'x')),
    row('exportDmaBuf', 'label', noStrings, (v) => dev.exportDmaBuf(block, v)),
    row('attachDmaBuf', 'buf', [...noObjects, {}], (v) => dev.attachDmaBuf(v, { device: 'x' })),
    row('queueWork', 'delayNs', [-1, NaN, '5', null, undefined, {}, 1n], (v) =>
      dev.queueWork(v, 'x', () => {}),
    ),
    row('queueWork', 'label', noStrings, (v) => dev.queueWork(0, v, () => {})),
    row('queueWork', 'work', noFunctions, (v) => dev.queueWork(0, 'x', v)),
    row('spawn', 'label', noStrings, (v) => dev.spawn(v, () => Promise.resolve())),
    row('spawn', 'fn', noFunctions, (v) => dev.spawn('x', v)),
    row('addNode', 'node', noNames, (v) => dev.addNode(v, fops)),
    row('addNode', 'fops', noObjects, (v) => dev.addNode('toy1', v)),
    row('addNode', 'open', [{}, { release() {} }], (v) => dev.addNode('toy1', v)),
    { ...row('addNode', 'toy0', [0], () => dev.addNode('toy0', fops)), codes: ['EEXIST'] },
    row('addAction', 'action', noFunctions, (v) => dev.addAction(v)),
    row('failNth', 'dev', noObjects, (v) => failNth(v, 'dmaMap', 1, 'ENOMEM')),
    row('failNth', 'method', noWords.slice(2), (v) => failNth(dev, v, 1, 'ENOMEM')),
    row('failNth', 'n', [0, ...noLengths], (v) => failNth(dev, 'dmaMap', v, 'ENOMEM')),
    row('failNth', 'code', noWords, (v) => failNth(dev, 'dmaMap', 1, v)),
    row('delay', 'dev', noObjects, (v) => delay(v, 'pinUserPages', 1)),
    row('delay', 'method', ['dmaMap', ...noStrings], (v) => delay(dev, v, 1)),
    row('delay', 'delayNs', [-1, NaN, '5', null], (v) => delay(dev, 'pinUserPages', v)),
    row('logCalls', 'dev', noObjects, (v) => logCalls(v, () => {})),
    row('logCalls', 'log', noFunctions, (v) => logCalls(dev, v)),
  ];
};

/** What the core calls on a device, and no driver can: it sees the interface Device only. */
const coreCalls = [
  ...['abandon', 'enterDriver', 'fileOf', 'fileOpened', 'fileReleased', 'leaks', 'leaveDriver'],
  ...['reset', 'unbind'],
];
const filters = ['delay', 'failNth', 'logCalls'];

test('no call of a driver on its device takes a bad argument, or changes anything for one', async (t) => {
  const m = await onBench(async (b) => {
    const block = b.dev.allocPages(2, 'ring');
    const rows = [...pinRows(b), ...rangeRows(b), ...ownRows(b, block)];
    const { problems, inputs } = await badDirectCalls(rows, () => digest(b));
    t.deepEqual(problems, []);
    const importer = b.dev.exportDmaBuf(block, 'frame');
    const bad = noObjects.map((v) => () => b.dev.attachDmaBuf(importer, v as never));
    for (const attach of bad) t.throws(attach, { message: /^EINVAL: attachDmaBuf: importer/ });
    importer.putFile();
    const calls = [...methodsOf(BoundDevice.prototype), ...filters];
    assertEveryCall(t, calls, rows, coreCalls);
    t.log(`${calls.length - coreCalls.length} calls, ${inputs + bad.length} bad inputs`);
    block.free();
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('every call of the interface Device is one of a bound device', (t) => {
  const methods = methodsOf(BoundDevice.prototype);
  const device: Readonly<Record<CallsOf<Device>, true>> = {
    ...{ addAction: true, addNode: true, allocPages: true, attachDmaBuf: true, blockLayout: true },
    ...{ daxPages: true, dmaMap: true, dmaUnmap: true, exportDmaBuf: true, faultRange: true },
    ...{ insertPages: true, log: true, pinUserPages: true, queueWork: true, spawn: true },
    ...{ takeLayoutLease: true, watchRange: true },
  };
  t.deepEqual(
    [...methods, 'log'].filter((m) => !coreCalls.includes(m)).sort(),
    Object.keys(device).sort(),
  );
});

type CallsOf<T> = {
  [K in keyof T]: T[K] extends (...args: never[]) => unknown ? K : never;
}[keyof T];

const noMappings = [...noObjects, {}];

const transferRows = (bus: Bus, map: DmaMapping, live: boolean): DirectRow[] => {
  const bytes = new Uint8Array(16);
  const row = (call: string, arg: string, values: readonly unknown[], make: DirectRow['make']) =>
    ({ call, arg, values, make }) as const;
  const copies = live ? (['copy', 'copyNow'] as const) : (['copy'] as const);
  return [
    row('read', 'mapping', noMappings, (v) => bus.read(v, 0, bytes)),
    row('read', 'target', noBytes, (v) => bus.read(map, 0, v)),
    row('write', 'mapping', noMappings, (v) => bus.write(v, 0, bytes)),
    row('write', 'source', noBytes, (v) => bus.write(map, 0, v)),
    ...copies.flatMap((call) => [
      row(call, 'mapping', noMappings, (v) => bus[call](v, 0, map, 4096, 8)),
      row(call, 'mapping', noMappings, (v) => bus[call](map, 0, v, 4096, 8)),
      row(call, 'from', [null, 7, {}], (v) => bus[call](map, 0, map, 4096, 8, v)),
    ]),
    row('atomic', 'mapping', noMappings, (v) => bus.atomic(v, 0, (old) => old)),
    row('atomic', 'update', noFunctions, (v) => bus.atomic(map, 0, v)),
    row('atomic', 'pos', [1, 4, 4094], (v) => bus.atomic(map, v, (old) => old)),
    ...(live
      ? []
      : [
          {
            ...row('copyNow', 'page by page', [0], () => bus.copyNow(map, 0, map, 4096, 8)),
            bug: true,
          } as const,
        ]),
  ];
};

/** Every place of every transfer. */
const transfersAt = (
  bus: Bus,
  map: DmaMapping,
  live: boolean,
  at: never,
): (() => Promise<unknown>)[] => {
  const bytes = new Uint8Array(16);
  const len = at === 8192 ? (8193 as never) : at;
  return [
    () => bus.read(map, at, bytes),
    () => bus.write(map, at, bytes),
    () => bus.copy(map, at, map, 0, 8),
    () => bus.copy(map, 0, map, at, 8),
    () => bus.copy(map, 0, map, 4096, len),
    () => bus.atomic(map, at, (old) => old),
    ...(live ? [async () => bus.copyNow(map, at, map, 0, 8)] : []),
  ];
};

for (const mode of ['simulated', 'live'] as const) {
  test(`${mode}: no transfer takes a place that is none, or moves a byte for one`, async (t) => {
    const m = await onBench(async (b) => {
      const { dev } = b;
      const { pages } = b.m.env;
      const block = dev.allocPages(2, 'ring');
      pages.fillPage(block.pfns[0]!, 0x5a);
      const map = dev.dmaMap(block, 'bidirectional');
      const rows = transferRows(dev.bus, map, mode === 'live');
      const untouched = (): boolean => {
        const page = new Uint8Array(4096);
        pages.read(block.pfns[0]!, 0, page);
        return page.every((byte) => byte === 0x5a);
      };
      const state = (): unknown => [untouched(), digest(b)];
      const { problems, inputs } = await badDirectCalls(rows, state);
      t.deepEqual(problems, []);
      assertEveryCall(t, methodsOf(Bus.prototype), rows, ['drain', 'useEngine']);
      const places = [...noLengths, 2 ** 40, 8192];
      for (const at of places) {
        for (const transfer of transfersAt(dev.bus, map, mode === 'live', at as never)) {
          await t.throwsAsync(transfer, { name: 'DmaFault', message: /bytes at / });
          t.true(untouched());
        }
      }
      t.log(`${inputs} bad inputs, ${places.length} places of each transfer`);
      dev.dmaUnmap(map);
      block.free();
    }, mode);
    assertBalanced(t, m.env, { mms: m.mms });
  });
}

test('what is given back twice is stopped by an assertion that names it', async (t) => {
  const m = await onBench(async (b) => {
    const { dev, app, addr, m: machine } = b;
    const request = { addr, len: 4096, access: 'write', longterm: false } as const;
    const pins = await dev.pinUserPages(app.caller, request);
    pins.unpin();
    const block = dev.allocPages(1, 'ring');
    const map = dev.dmaMap(block, 'to-device');
    dev.dmaUnmap(map);
    const buf = dev.exportDmaBuf(block, 'frame');
    const attachment = dev.attachDmaBuf(buf, { device: 'other' });
    attachment.detach();
    buf.putFile();
    block.free();
    const watch = dev.watchRange(app.caller, { addr, len: 4096, invalidate() {} });
    await watch.close(app.task);
    const dax = machine.env.allocator.allocPage({ zero: true });
    const pages = dev.daxPages(Uint32Array.of(dax), 'dax0');
    await pages.close(app.task);
    machine.env.allocator.freePage(dax);
    const gone = { values: [0], bug: true } as const;
    const rows: DirectRow[] = [
      { ...gone, call: 'PinnedPages.unpin', arg: 'unpinned twice', make: () => pins.unpin() },
      { ...gone, call: 'PinnedPages.markRevoking', arg: 'GONE', make: () => pins.markRevoking() },
      { ...gone, call: 'dmaUnmap', arg: 'mapping', make: () => dev.dmaUnmap(map) },
      { ...gone, call: 'dmaMap', arg: 'pins', make: () => dev.dmaMap(pins, 'to-device') },
      { ...gone, call: 'dmaMap', arg: 'pages', make: () => dev.dmaMap(block, 'to-device') },
      { ...gone, call: 'PageBlock.free', arg: 'ring', make: () => block.free() },
      { ...gone, call: 'PageBlock.put', arg: 'ring', make: () => block.put() },
      { ...gone, call: 'PageBlock.get', arg: 'ring', make: () => block.get() },
      {
        ...gone,
        call: 'exportDmaBuf',
        arg: 'freed pages',
        make: () => dev.exportDmaBuf(block, 'x'),
      },
      { ...gone, call: 'DmaBuf.putFile', arg: 'frame', make: () => buf.putFile() },
      { ...gone, call: 'DmaBuf.getFile', arg: 'frame', make: () => buf.getFile() },
      { ...gone, call: 'DmaBufAttachment.detach', arg: 'frame', make: () => attachment.detach() },
      { ...gone, call: 'RangeWatch.close', arg: 'watch', make: () => watch.close(app.task) },
      {
        ...gone,
        call: 'faultRange',
        arg: 'watch',
        make: () => dev.faultRange(app.task, watch, {} as never),
      },
      { ...gone, call: 'DaxPages.close', arg: 'dax0', make: () => pages.close(app.task) },
    ];
    const { problems } = await badDirectCalls(rows, () => digest(b));
    t.deepEqual(problems, []);
    t.throws(() => dev.attachDmaBuf(buf, { device: 'x' }), { message: /^EBADF: frame/ });
    const cancel = dev.queueWork(1, 'later', () => {});
    t.deepEqual([cancel(), cancel()], [true, false], 'cancelling twice is harmless');
    const owners = [PinnedPages, PageBlock, DmaBuf, DmaBufAttachment, DaxPages];
    const calls = owners.flatMap((o) =>
      methodsOf(o.prototype as object).map((c) => `${o.name}.${c}`),
    );
    const covered = new Set([...rows.map(({ call }) => call), ...harmless]);
    t.deepEqual(
      calls.filter((call) => !covered.has(call)),
      [],
    );
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

/** Calls that take nothing back, or that only the room itself makes. */
const harmless = ['DmaBuf.attach', 'PinnedPages.includes', 'DmaBuf.invalidate', 'DmaBuf.forget'];

test('a core is made of parts that are some', (t) => {
  const m = driverMachine();
  const env = { sched: m.sched, mm: m.env, iommu: 'off' } as const;
  for (const [part, values] of [
    ['sched', noObjects],
    ['mm', noObjects],
    ['iommu', ['maybe', ...noStrings]],
  ] as const) {
    for (const bad of values) {
      const make = () => new DriverCore({ ...env, [part]: bad } as DriverCoreEnv);
      t.throws(make, { message: new RegExp(`^EINVAL: driver core: ${part}`) });
    }
  }
});
