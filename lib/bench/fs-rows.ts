// Rows of the file system: names, bytes, and what a large sparse image costs.
//
// Sequential writes and reads are held against memcpy of the same bytes between two buffers. The
// large image has no bytes but its metadata: a mount and a truncate must not look at the rest. It
// is as large as a device can be: 2^28 pages, 1 TiB. Its files are made once, for both rows.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootMachine, type Machine, type Process } from '../machine.js';
import { GiB, MiB } from '../units.js';
import { elapsedNs, median, nowNs } from './measure.js';
import type { Row } from './row.js';

const TIB = 1024 * GiB;
const CHUNK = MiB;
const FILES_PER_DIRECTORY = 1000;
const WARM_UP = 8;

async function timed(fn: () => Promise<unknown>): Promise<number> {
  const since = nowNs();
  await fn();
  return elapsedNs(since);
}

async function createAndUnlink(app: Process, nr: number): Promise<Row> {
  const ns = await timed(async () => {
    for (let i = 0; i < nr; i++) {
      await app.close(await app.open(`/n${i}`, ['wronly', 'creat']));
      await app.unlink(`/n${i}`);
    }
  });
  return { name: 'fs: create + unlink of an empty file', value: (nr * 1e9) / ns, unit: '/s' };
}

/**
 * A write and a read of a whole file in chunks, into one buffer as read(2) does and into fresh
 * ones; memcpy of the same beside them. Each is played before it counts, until it is compiled.
 */
async function sequential(app: Process, len: number): Promise<readonly Row[]> {
  const chunk = new Uint8Array(CHUNK).fill(7);
  const [source, target] = [new Uint8Array(len).fill(7), new Uint8Array(len)];
  const fd = await app.open('/sequential', ['rdwr', 'creat']);
  const write = async (): Promise<void> => {
    for (let pos = 0; pos < len; pos += CHUNK) await app.write(fd, pos, chunk);
  };
  const into = new Uint8Array(CHUNK);
  const read = async (): Promise<void> => {
    for (let pos = 0; pos < len; pos += CHUNK) await app.readInto(fd, pos, into);
  };
  const fresh = async (): Promise<void> => {
    for (let pos = 0; pos < len; pos += CHUNK) await app.read(fd, pos, CHUNK);
  };
  const copy = async (): Promise<void> => {
    for (let pos = 0; pos < len; pos += CHUNK) target.set(source.subarray(pos, pos + CHUNK), pos);
  };
  await write();
  const best: Record<string, number> = {};
  for (const [name, fn] of Object.entries({ copy, read, fresh, write })) {
    const samples: number[] = [];
    for (let i = 0; i < WARM_UP; i++) await fn();
    for (let i = 0; i < 7; i++) samples.push(await timed(fn));
    best[name] = median(samples);
  }
  await app.close(fd);
  const share = (name: string): number => (100 * best['copy']!) / best[name]!;
  const unit = '% of memcpy';
  return [
    { name: 'fs: sequential write over a DAX file, 1 MiB a call', value: share('write'), unit },
    { name: 'fs: sequential read of a DAX file, 1 MiB a call', value: share('read'), unit },
    { name: 'fs: the same read into fresh memory each call', value: share('fresh'), unit },
  ];
}

const bootLarge = (device: string, keep: boolean): Promise<Machine> =>
  bootMachine({
    ...{ device, ram: 8 * MiB, mounts: { '/': { flavor: 'ext4', dax: true, keep } } },
    ...(keep ? {} : { size: TIB }),
  });

async function largeImage(nrFiles: number): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-bench-'));
  const device = join(folder, 'large.img');
  try {
    {
      await using machine = await bootLarge(device, false);
      const app = machine.spawn('fill');
      for (let i = 0; i < nrFiles; i++) {
        const dir = `/d${Math.floor(i / FILES_PER_DIRECTORY)}`;
        if (i % FILES_PER_DIRECTORY === 0) await app.mkdir(dir);
        await app.close(await app.open(`${dir}/f${i}`, ['wronly', 'creat']));
      }
    }
    const since = nowNs();
    await using machine = await bootLarge(device, true);
    const mountNs = elapsedNs(since);
    const app = machine.spawn('app');
    await app.stat(`/d0/f${FILES_PER_DIRECTORY - 1}`);
    const fd = await app.open('/sparse', ['rdwr', 'creat']);
    const one = Uint8Array.of(1);
    for (const pos of [0, TIB / 2, TIB - 1]) await app.write(fd, pos, one);
    const truncateNs = await timed(() => app.ftruncate(fd, 0));
    const ms = { unit: 'ms' } as const;
    const image = `a 1 TiB sparse image with ${nrFiles} files`;
    return [
      { name: `fs: boot and mount of ${image}`, value: mountNs / 1e6, ...ms, bound: 1000 },
      { name: 'fs: truncate of a 1 TiB sparse file', value: truncateNs / 1e6, ...ms, bound: 10 },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function fsRows(effort: number): Promise<readonly Row[]> {
  const scaled = (n: number, least: number): number => Math.max(least, Math.round(n * effort));
  await using machine = await bootMachine({
    ...{ inMemory: true, size: 64 * MiB, ram: 8 * MiB },
    mounts: { '/': { flavor: 'ext4', dax: true } },
  });
  const app = machine.spawn('bench');
  const names = await createAndUnlink(app, scaled(20_000, 500));
  const bytes = await sequential(app, scaled(32, 4) * MiB);
  return [names, ...bytes, ...(await largeImage(scaled(100_000, 2000)))];
}
