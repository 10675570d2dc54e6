// Bench rows of the whole path, on a live machine: pins of mapped memory, the busy scan of a file,
// DMA through a device's bus with the referee watching, and a lease break.

import assert from 'node:assert/strict';
import { defineDriver, type Device } from '../driver/index.js';
import { bootMachine, type Machine, type Process } from '../machine.js';
import type { Caller } from '../mm/caller.js';
import { type PinnedPages, pinUserPages, type PinRequest } from '../mm/gup.js';
import type { PinTrackingForm } from '../mm/pin-tracking.js';
import { comparePinTracking } from '../mm/pin-tracking-trial.js';
import { native } from '../native.js';
import { KiB, MiB, PAGE_SIZE, posOf } from '../units.js';
import { elapsedNs, measure, measureAsync, median, nowNs, scaled } from './measure.js';
import type { Row } from './row.js';

/** A device with nothing on it but its way to memory. */
const engine = defineDriver({
  name: 'engine',
  apiVersion: 1,
  idTable: [{ compatible: 'bench,engine' }],
  emulate: () => ({}),
  probe: (dev: Device): Device => dev,
});

const filePages = 4096;

interface Bench {
  readonly machine: Machine;
  readonly app: Process;
  /** Of a shared mapping of /data, each page present and writable. */
  readonly addr: number;
  readonly dev: Device;
  readonly effort: number;
}

async function boot(effort: number): Promise<Bench> {
  const machine = await bootMachine({ size: 64 * MiB, drivers: [engine] });
  const app = machine.spawn('app');
  const fd = await app.open('/data', ['rdwr', 'creat']);
  const len = posOf(filePages);
  await app.fallocate(fd, 'alloc', 0, len);
  const addr = await app.mmap({ fd, len });
  for (let pos = 0; pos < len; pos += PAGE_SIZE) await app.store(addr + pos, Uint8Array.of(1));
  return { machine, app, addr, dev: machine.drivers.device('engine0'), effort };
}

/** Run work as a thread of the application inside the kernel. */
const inside = <T>({ machine, app }: Bench, work: (caller: Caller) => Promise<T>): Promise<T> =>
  machine.sched.enter('bench', (task) => work({ task, process: app }));

function pinRows(bench: Bench): Promise<Row[]> {
  const { machine, app, addr, effort } = bench;
  const origin = { process: app, device: 'bench', deviceFile: '/dev/bench', dataFile: '/data' };
  return inside(bench, async ({ task }) => {
    const pin = async (nrPages: number, batch: number): Promise<number> => {
      const len = posOf(nrPages);
      const request: PinRequest = {
        ...{ mm: app.mm, addr, len, origin },
        ...{ access: 'write', longterm: false },
      };
      const { ns } = await measureAsync(scaled(effort, { batch, batches: 61 }), async () => {
        (await pinUserPages(task, machine.mm, request)).unpin();
      });
      return ns / 1000;
    };
    const unit = 'µs';
    return [
      { name: 'pinUserPages + unpin, 1 page', value: await pin(1, 2000), unit, bound: 1 },
      { name: 'pinUserPages + unpin, 256 pages', value: await pin(256, 300), unit, bound: 4 },
    ];
  });
}

function scanRows(bench: Bench): Promise<Row[]> {
  const { machine, app, addr, effort } = bench;
  const mapping = app.mm.vmaAt(addr)?.mapping;
  assert(mapping, 'the bench file is mapped');
  const timing = scaled(effort, { batch: 50, batches: 41 });
  const scan = () => measure(timing, () => mapping.firstBusy()).ns / 1000;
  return inside(bench, async ({ task }) => {
    const idle = scan();
    const last = addr + posOf(filePages - 1);
    const origin = { process: app, device: 'bench', deviceFile: '/dev/bench', dataFile: '/data' };
    using pins = await pinUserPages(task, machine.mm, {
      ...{ mm: app.mm, addr: last, len: PAGE_SIZE, origin },
      ...{ access: 'write', longterm: false },
    });
    assert.equal(mapping.firstBusy(), pins.pfns[0]);
    return [
      { name: 'busy scan of a file of 4,096 idle pages', value: idle, unit: 'µs' },
      { name: 'the same, the last one pinned', value: scan(), unit: 'µs' },
    ];
  });
}

/** 1 MiB from the device's own memory, as a share of the addon's memcpy; the referee judges it. */
function dmaRows(bench: Bench): Promise<Row[]> {
  const { addr, dev, effort, machine } = bench;
  const source = new Uint8Array(new SharedArrayBuffer(MiB)).fill(0x5a);
  const plain = new Uint8Array(new SharedArrayBuffer(MiB));
  const timing = scaled(effort, { batch: 20, batches: 61 });
  const parts = Array.from({ length: 256 }, (_, i) => ((i * 97) % 256) * 2);
  return inside(bench, async (caller) => {
    const pin = (page: number, nrPages: number) =>
      dev.pinUserPages(caller, {
        ...{ addr: addr + posOf(page), len: posOf(nrPages) },
        ...{ access: 'write', longterm: false },
      });
    using whole = await pin(0, 256);
    const mapping = dev.dmaMap(whole, 'from-device');
    const singles: PinnedPages[] = [];
    for (const page of parts) singles.push(await pin(page, 1));
    const borrowed = Uint32Array.from(singles, ({ pfns }) => pfns[0]!);
    const scattered = dev.dmaMap({ borrowed, pos: 0, len: MiB }, 'from-device');
    const memcpy = measure(timing, () => native.memcpy(plain, 0, source, 0, MiB)).ns;
    const dma = (await measureAsync(timing, () => dev.bus.write(mapping, 0, source))).ns;
    const split = (await measureAsync(timing, () => dev.bus.write(scattered, 0, source))).ns;
    dev.dmaUnmap(mapping);
    dev.dmaUnmap(scattered);
    for (const pins of singles) pins.unpin();
    assert.deepEqual(machine.referee.verdict().stray, []);
    const unit = '% of memcpy';
    const share = (ns: number) => (100 * memcpy) / ns;
    return [
      { name: 'DMA of 1 MiB into contiguous pages', value: share(dma), unit, bound: 80 },
      { name: 'DMA of 1 MiB into 256 scattered pages', value: share(split), unit },
    ];
  });
}

/** From the truncate of a leased file to its end; the holder lets go as soon as it is told. */
async function leaseRow({ effort }: Bench): Promise<Row> {
  await using machine = await bootMachine({
    ...{ size: 16 * MiB, kernel: 'proposed' },
    mounts: { '/': { flavor: 'ext4', dax: true, policy: 'lease-break' } },
  });
  const app = machine.spawn('app');
  const admin = machine.spawn('admin');
  const fd = await app.open('/leased', ['rdwr', 'creat']);
  let asked = 0;
  app.on('SIGIO', async () => {
    asked++;
    await app.setLease(fd, 'F_UNLCK');
  });
  const bytes = new Uint8Array(64 * KiB);
  const rounds = scaled(effort, { batch: 1, batches: 200 }).batches;
  const samples: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await app.write(fd, 0, bytes);
    await app.setLease(fd, 'F_LAYOUT');
    const since = nowNs();
    await admin.truncate('/leased', 0);
    samples.push(elapsedNs(since));
  }
  assert.equal(asked, rounds, 'every truncate broke a lease');
  const name = 'lease break to end of truncate, 16 pages';
  return { name, value: median(samples) / 1000, unit: 'µs' };
}

const formNames: Record<PinTrackingForm, string> = {
  bias: 'bias in the refcount',
  'own-count': 'a count of its own',
  'off-lru': 'taken off the LRU',
};

/** What each form of pin tracking gets wrong under one workload; see pin-tracking-trial.ts. */
function pinTrackingRows({ machine }: Bench): Row[] {
  return comparePinTracking(machine.mm).flatMap(({ form, falsePositives, lostToReclaim }) => {
    const row = (what: string, value: number): Row => ({
      ...{ name: `pin tracking, ${formNames[form]}: ${what}`, value, unit: 'pages' },
    });
    return [row('called pinned', falsePositives), row('lost to reclaim', lostToReclaim)];
  });
}

/** effort: see scaled(). */
export async function coreRows(effort = 1): Promise<Row[]> {
  const bench = await boot(effort);
  await using machine = bench.machine;
  assert.equal(machine.sched.on, false, 'the bench machine is live');
  return [
    ...(await pinRows(bench)),
    ...(await scanRows(bench)),
    ...(await dmaRows(bench)),
    await leaseRow(bench),
    ...pinTrackingRows(bench),
  ];
}
