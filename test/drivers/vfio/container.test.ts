// Goal: a container takes and gives back memory as type1 does: checks, account, entries.
// Method: tables of requests; after each refusal nothing is pinned, charged or translated.

import test, { type ExecutionContext } from 'ava';
import vfio, { AssignedDevice, type VfioClient } from '../../../drivers/vfio/index.js';
import type { MapDMAArg, UnmapDMAArg } from '../../../drivers/vfio/container.js';
import { isErrno } from '../../../lib/errno.js';
import type { KernelName } from '../../../lib/kernel-rules.js';
import { KiB, ms, PAGE_SIZE } from '../../../lib/units.js';
import { assertBalanced } from '../../support/balance.js';
import { App, driverMachine } from '../../support/driver-machine.js';
import type { ProcessOptions } from '../../support/mm-fixture.js';

const flags = ['read', 'write'] as const;
const base = 0x10000;

const code = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => value ?? 'ok',
    (e: unknown) => {
      if (isErrno(e)) return e.code;
      throw e;
    },
  );

/** A container with an entry of four pages at `base`, and eight pages of memory. */
async function withEntry(
  t: ExecutionContext,
  opts: { kernel?: KernelName; process?: ProcessOptions; limits?: object },
  body: (dev: VfioClient, vaddr: number, app: App) => Promise<void>,
): Promise<void> {
  const m = driverMachine({ kernel: opts.kernel ?? '6.12', iommu: 'strict' });
  m.core.register(vfio);
  m.core.addDevice('emul,assigned-device', new AssignedDevice(opts.limits));
  await m.run(async (task) => {
    const app = new App(m, task, 'app', opts.process);
    const vaddr = await app.map(8);
    const dev = await app.open<VfioClient>('vfio0');
    await dev.mapDMA({ vaddr, iova: base, size: 4 * PAGE_SIZE, flags });
    await body(dev, vaddr, app);
    await dev.close();
    await app.exit();
  });
  assertBalanced(t, m.env, { mms: m.mms });
}

const maps: readonly [string, Partial<MapDMAArg>, string][] = [
  ['size 0', { size: 0 }, 'EINVAL'],
  ['a size of no whole pages', { size: 100 }, 'EINVAL'],
  ['an unaligned IOVA', { iova: 8 }, 'EINVAL'],
  ['an unaligned address', { vaddr: 4096 * 3 + 1 }, 'EINVAL'],
  ['no access', { flags: [] }, 'EINVAL'],
  ['an unknown flag', { flags: ['execute' as never] }, 'EINVAL'],
  ['a negative IOVA', { iova: -PAGE_SIZE }, 'EINVAL'],
  ['an IOVA that is no number', { iova: NaN }, 'EINVAL'],
  ['a range that wraps around', { iova: Number.MAX_SAFE_INTEGER - 4095 }, 'EINVAL'],
  ['a range beyond the last IOVA', { iova: 2 ** 48 }, 'EINVAL'],
  ['the same range again', { iova: base, size: 4 * PAGE_SIZE }, 'EEXIST'],
  ['a range that overlaps from below', { iova: base - PAGE_SIZE, size: 2 * PAGE_SIZE }, 'EEXIST'],
  ['a range within an entry', { iova: base + PAGE_SIZE }, 'EEXIST'],
  ['an address that nothing is mapped at', { vaddr: PAGE_SIZE }, 'EFAULT'],
  ['the page right above an entry', { iova: base + 4 * PAGE_SIZE }, 'ok'],
  ['the page right below an entry', { iova: base - PAGE_SIZE }, 'ok'],
];

for (const [what, arg, expected] of maps) {
  test(`MAP_DMA of ${what}: ${expected}`, async (t) => {
    await withEntry(t, {}, async (dev, vaddr, app) => {
      const before = await dev.info();
      const request = { vaddr: vaddr + 4 * PAGE_SIZE, iova: 0, size: PAGE_SIZE, flags, ...arg };
      t.is(await code(dev.mapDMA(request)), expected);
      const { vmstat } = app.machine.env;
      const nr = expected === 'ok' ? 5 : 4;
      t.is(app.process.mm.lockedVm, nr);
      t.is(vmstat.pinsOutstanding, nr);
      t.is((await dev.info()).dmaAvail, before.dmaAvail - (nr - 4));
    });
  });
}

const unmaps: readonly [string, KernelName, UnmapDMAArg, number | string][] = [
  ['the entry', '6.12', { iova: base, size: 4 * PAGE_SIZE }, 4 * PAGE_SIZE],
  ['a range around the entry', '6.12', { iova: 0, size: base + 64 * PAGE_SIZE }, 4 * PAGE_SIZE],
  ['its first page', '6.12', { iova: base, size: PAGE_SIZE }, 'EINVAL'],
  ['its last page', '6.12', { iova: base + 3 * PAGE_SIZE, size: PAGE_SIZE }, 'EINVAL'],
  ['a page of it and one below', '6.12', { iova: base - 4096, size: 8192 }, 'EINVAL'],
  ['nothing, on type1', '6.12', { iova: 0, size: PAGE_SIZE }, 0],
  ['nothing, on 7.2', '7.2', { iova: 0, size: PAGE_SIZE }, 0],
  ['nothing, in user space', 'proposed', { iova: 0, size: PAGE_SIZE }, 'ENOENT'],
  ['size 0', '6.12', { iova: base, size: 0 }, 'EINVAL'],
  ['an unaligned IOVA', '6.12', { iova: base + 1, size: PAGE_SIZE }, 'EINVAL'],
  ['an unaligned size', '6.12', { iova: base, size: 1 }, 'EINVAL'],
  ['everything', '6.12', { iova: 0, size: 0, flags: ['all'] }, 4 * PAGE_SIZE],
  ['everything, in user space', 'proposed', { iova: 0, size: 0, flags: ['all'] }, 4 * PAGE_SIZE],
  ['all, with an address', '6.12', { iova: base, size: 0, flags: ['all'] }, 'EINVAL'],
  ['all, with a size', '6.12', { iova: 0, size: PAGE_SIZE, flags: ['all'] }, 'EINVAL'],
  ['all, with another flag', '6.12', { iova: 0, size: 0, flags: ['all', 'vaddr'] }, 'EINVAL'],
  [
    'the dirty bitmap, which is not kept',
    '6.12',
    { iova: base, size: 4 * PAGE_SIZE, flags: ['dirty-bitmap'] },
    'EINVAL',
  ],
  ['an unknown flag', '6.12', { iova: 0, size: 0, flags: ['none' as never] }, 'EINVAL'],
];

for (const [what, kernel, arg, expected] of unmaps) {
  test(`UNMAP_DMA of ${what}: ${expected}`, async (t) => {
    await withEntry(t, { kernel }, async (dev, _vaddr, app) => {
      const answer = await code(dev.io.ioctl('UNMAP_DMA', arg).then(({ size }) => size));
      t.is(answer, expected);
      t.is(app.process.mm.lockedVm, answer === 4 * PAGE_SIZE ? 0 : 4);
    });
  });
}

test('everything may be unmapped twice', async (t) => {
  for (const kernel of ['6.1', 'proposed'] as const) {
    await withEntry(t, { kernel }, async (dev) => {
      t.is(await dev.unmapAll(), 4 * PAGE_SIZE);
      t.is(await dev.unmapAll(), 0);
    });
  }
});

for (const [what, process, expected] of [
  ['at the limit', { memlock: 6 * PAGE_SIZE }, 'ok'],
  ['above the limit', { memlock: 5 * PAGE_SIZE }, 'ENOMEM'],
  ['above the limit, with CAP_IPC_LOCK', { memlock: 0, caps: ['CAP_IPC_LOCK'] }, 'ok'],
] as const) {
  test(`MAP_DMA ${what} of RLIMIT_MEMLOCK: ${expected}`, async (t) => {
    await withEntry(t, { process }, async (dev, vaddr, app) => {
      const request = { vaddr: vaddr + 4 * PAGE_SIZE, iova: 0, size: 2 * PAGE_SIZE, flags };
      t.is(await code(dev.mapDMA(request)), expected);
      t.is(app.process.mm.lockedVm, expected === 'ok' ? 6 : 4);
      t.is(app.process.mm.pinnedVm, 0, 'the other account');
    });
  });
}

test('the same memory at two IOVAs is charged twice', async (t) => {
  await withEntry(t, {}, async (dev, vaddr, app) => {
    await dev.mapDMA({ vaddr, iova: 0, size: 4 * PAGE_SIZE, flags: ['read'] });
    t.is(app.process.mm.lockedVm, 8);
    t.is(await dev.unmapDMA(0, 4 * PAGE_SIZE), 4 * PAGE_SIZE);
    t.is(app.process.mm.lockedVm, 4);
  });
});

test('an entry too many is ENOSPC on type1, EINVAL in user space', async (t) => {
  const limits = { maxEntries: 1, maxEntryLen: 4 * PAGE_SIZE };
  for (const [kernel, expected] of [
    ['6.1', 'ENOSPC'],
    ['proposed', 'EINVAL'],
  ] as const) {
    await withEntry(t, { kernel, limits }, async (dev, vaddr) => {
      t.is((await dev.info()).dmaAvail, 0);
      t.is(await code(dev.mapDMA({ vaddr, iova: 0, size: PAGE_SIZE, flags })), expected);
      t.is(await code(dev.mapDMA({ vaddr, iova: 0, size: 8 * PAGE_SIZE, flags })), 'ENOSPC');
    });
  }
});

test('memory that may only be read cannot be mapped for writing', async (t) => {
  await withEntry(t, {}, async (dev, _vaddr, app) => {
    const vaddr = await app.map(1, null, 'r');
    t.is(await code(dev.mapDMA({ vaddr, iova: 0, size: PAGE_SIZE, flags })), 'EFAULT');
    await dev.mapDMA({ vaddr, iova: 0, size: PAGE_SIZE, flags: ['read'] });
  });
});

test('the device writes only where it may', async (t) => {
  await withEntry(t, {}, async (dev, vaddr, app) => {
    const at = vaddr + 4 * PAGE_SIZE;
    await dev.mapDMA({ vaddr: at, iova: 0, size: PAGE_SIZE, flags: ['read'] });
    await dev.start({ dir: 'write', iova: 0, len: 16, byte: 9, periodNs: ms(1) });
    await app.machine.sched.clock.sleep(app.task, ms(1));
    t.true((await dev.counters()).faults > 0);
    t.deepEqual(new Set(await app.load(at, 16)), new Set([0]));
    await dev.start({ dir: 'read', iova: 0, len: 4 * KiB, byte: 0, periodNs: ms(1) });
    const { faults } = await dev.counters();
    await app.machine.sched.clock.sleep(app.task, ms(3));
    t.is((await dev.counters()).faults, faults);
  });
});

test('a policy sees that the pins cannot be taken back', async (t) => {
  await withEntry(t, {}, (_dev, _vaddr, app) => {
    const pins = [...app.machine.env.pinTable];
    t.is(pins.length, 1);
    t.true(pins.every((pin) => pin.longterm && !pin.revocable));
    t.is(pins[0]!.origin.deviceFile, '/dev/vfio0');
    return Promise.resolve();
  });
});
