// Simulated power failure: what a device may hold when the power goes at any flush of a workload.
//
//   durable image + some of the lines stored since --> mounted, compared, checked
//
// Stores are seen as the 64-byte lines that differ at a flush from what is durable; of them any
// subset may have arrived. When a flush returns, the lines of its range are durable.
//
//   lines of metadata    every subset, up to 2^maxLines; where there are more: none, all, each side
//                        of some, and random subsets
//   lines of file data   none, all, and a random half, beside each of these: nothing but the bytes
//                        of the file depends on them, and the model judges each byte alone

import { createHash } from 'node:crypto';
import type { FileSystem } from '../fs/file-system.js';
import { BLOCK_SIZE } from '../fs/format.js';
import { fsckPartition } from '../fs/fsck.js';
import { JournalLog } from '../fs/journal-log.js';
import { devicePartition } from '../fs/partition.js';
import { noPersistence } from '../fs/persistence.js';
import { RedoJournal } from '../fs/redo-journal.js';
import { findSuperblock } from '../fs/superblock.js';
import { bootMachine, type Machine } from '../machine.js';
import { DaxDevice } from '../mm/dax-device.js';
import { Prng } from '../sched/index.js';
import { MiB } from '../units.js';
import { modelAt, type Progress, TortureModel, workload } from './torture-model.js';
import { contentsOf, Player, setupOf, type Setup } from './torture-player.js';

const LINE = 64;
const CHUNK = 4096;
const SIZE = MiB;
const RANDOM_SUBSETS = 6;
const SINGLES = 12;
/** Of the model: the power goes, and with it what was stored and not flushed. */
const modelOptions = { storesSurvive: false } as const;

export interface PowerFailReport {
  readonly flushes: number;
  /** Flushes at which every subset of the lines of metadata was tried. */
  readonly whole: number;
  readonly images: number;
  /** Different file systems that recovery made of them: each is mounted, checked and compared. */
  readonly outcomes: number;
  readonly losses: readonly string[];
}

/** Positions of the lines of now that differ from durable. */
export function changedLines(durable: Uint8Array, now: Uint8Array): number[] {
  const lines: number[] = [];
  for (let chunk = 0; chunk < now.length; chunk += CHUNK) {
    const a = durable.subarray(chunk, chunk + CHUNK);
    const b = now.subarray(chunk, chunk + CHUNK);
    if (Buffer.compare(a, b) === 0) continue;
    for (let at = 0; at < a.length; at += LINE) {
      const same = Buffer.compare(a.subarray(at, at + LINE), b.subarray(at, at + LINE)) === 0;
      if (!same) lines.push(chunk + at);
    }
  }
  return lines;
}

/** Which of the lines arrived: the subsets to try. */
export function subsetsOf(lines: readonly number[], rng: Prng, maxLines: number): number[][] {
  if (lines.length <= maxLines) {
    return Array.from({ length: 2 ** lines.length }, (_, mask) =>
      lines.filter((_line, i) => (mask & (1 << i)) !== 0),
    );
  }
  const some = Array.from({ length: SINGLES }, () => lines[rng.uint32() % lines.length]!);
  const random = Array.from({ length: RANDOM_SUBSETS }, () =>
    lines.filter(() => rng.uint32() % 2 === 0),
  );
  const without = some.map((line) => lines.filter((other) => other !== line));
  return [[], [...lines], ...some.map((line) => [line]), ...without, ...random];
}

/** A copy of the device's data, without the memory it is shared through. */
const copyOf = (device: DaxDevice): Uint8Array => Uint8Array.from(device.view(0, device.len));

/**
 * What recovery makes of an image, as a digest of everything but the log, which it empties: images
 * that recover to the same bytes are one case, however many lines of the log had arrived.
 */
export function recoveredDigest(image: Uint8Array): string {
  const bytes = image.slice();
  const partition = devicePartition(
    {
      read: (pos, target) => target.set(bytes.subarray(pos, pos + target.length)),
      write: (pos, source) => bytes.set(source, pos),
      fill: (pos, len, byte) => void bytes.fill(byte, pos, pos + len),
    },
    0,
    bytes.length,
  );
  try {
    const { values, damage } = findSuperblock(partition);
    const log = new JournalLog(partition, values, noPersistence);
    new RedoJournal(partition, log, noPersistence).recover();
    const [from, to] = [values.journalStart, values.journalStart + values.journalBlocks];
    bytes.fill(0, from * BLOCK_SIZE, to * BLOCK_SIZE);
    return `${damage ?? ''} ${createHash('sha1').update(bytes).digest('hex')}`;
  } catch (e) {
    return `not recovered: ${String(e)}`;
  }
}

/** Mount an image and compare; what is wrong, or null. */
async function checkAfter(
  image: Uint8Array,
  setup: Setup,
  model: TortureModel,
): Promise<string | null> {
  const device = DaxDevice.memory(image.length);
  try {
    device.write(0, image);
    const partition = devicePartition(device, 0, device.len);
    const [finding] = (await fsckPartition(partition, false)).findings;
    if (finding !== undefined) return `fsck: ${finding.what}`;
    const { path } = device;
    await using machine = await bootMachine({
      ...{ device: path, ram: MiB, mounts: { '/': { ...setup, keep: true } } },
    });
    return model.check(await contentsOf(machine.spawn('check')));
  } catch (e) {
    return `recovery: ${e instanceof Error ? (e.stack ?? e.message) : String(e)}`;
  } finally {
    device.close();
  }
}

interface Failure extends Progress {
  readonly durable: Uint8Array;
  readonly now: Uint8Array;
  /** The lines that differ: of metadata, and of file data. */
  readonly metadata: readonly number[];
  readonly data: readonly number[];
}

/** What the blocks of a mount are for; a block that once held metadata counts as such for ever. */
function watchMetadata({ mount }: FileSystem): (block: number) => boolean {
  const { dataStart, nrBlocks } = mount.disk!.superblock;
  const named = new Set<number>();
  return (block) => {
    for (const { type, record } of mount.inodes) {
      for (const at of record.overflow) named.add(at);
      if (type === 'file') continue;
      for (const e of record.extents.all) {
        for (let i = 0; i < e.nrPages; i++) named.add(e.block + i);
      }
    }
    return block < dataStart || block === nrBlocks - 1 || named.has(block);
  };
}

/** Note at each flush of the device what the power going just before would leave. */
function watchFlushes(
  device: DaxDevice,
  isMetadata: (block: number) => boolean,
  where: () => Progress,
): Failure[] {
  const failures: Failure[] = [];
  let durable = copyOf(device);
  device.flush = (pos, len) => {
    const now = copyOf(device);
    const lines = changedLines(durable, now);
    const kind = (at: number): boolean => isMetadata(Math.floor(at / BLOCK_SIZE));
    const [metadata, data] = [lines.filter(kind), lines.filter((at) => !kind(at))];
    failures.push({ durable, now, metadata, data, ...where() });
    const next = durable.slice();
    const from = pos - (pos % LINE);
    const to = Math.min(device.len, Math.ceil((pos + len) / LINE) * LINE);
    next.set(now.subarray(from, to), from);
    durable = next;
  };
  return failures;
}

async function record(machine: Machine, seed: number, nrOps: number): Promise<readonly Failure[]> {
  const player = new Player(machine.spawn('worker'));
  await player.prepare();
  const isMetadata = watchMetadata(machine.mounts.get('/')!);
  let begun = 0;
  let ended = 0;
  const failures = watchFlushes(machine.device, isMetadata, () => ({ begun, ended }));
  const model = new TortureModel(modelOptions);
  for (const op of workload(seed, model)) {
    if (ended === nrOps) break;
    begun += 1;
    model.begin(op);
    await player.play(op);
    model.end(op);
    ended += 1;
  }
  machine.device.flush(0, 0);
  return [...failures];
}

/** The images that one failure may leave: lines of metadata in many ways, of data in a few. */
function* imagesOf(
  { durable, now, metadata, data }: Failure,
  rng: Prng,
  maxLines: number,
): IterableIterator<{ image: Uint8Array; lines: readonly number[] }> {
  const some = data.filter(() => rng.uint32() % 2 === 0);
  const ways: readonly (readonly number[])[] = data.length === 0 ? [[]] : [[], data, some];
  for (const subset of subsetsOf(metadata, rng, maxLines)) {
    for (const way of ways) {
      const image = durable.slice();
      const arrived = [...subset, ...way];
      for (const at of arrived) image.set(now.subarray(at, at + LINE), at);
      yield { image, lines: arrived };
    }
  }
}

/**
 * Play nrOps operations and let the power fail at every flush: in every way where no more than
 * maxLines lines of metadata changed, else in some.
 */
export async function powerFailures(
  seed: number,
  nrOps: number,
  maxLines = 6,
): Promise<PowerFailReport> {
  const setup = setupOf(seed);
  const machine = await bootMachine({
    ...{ inMemory: true, size: SIZE, ram: MiB, mounts: { '/': setup } },
  });
  const failures = await record(machine, seed, nrOps);
  machine.abandon();
  const rng = new Prng(seed);
  const losses: string[] = [];
  let [images, outcomes] = [0, 0];
  let whole = 0;
  for (const [i, failure] of failures.entries()) {
    if (failure.metadata.length <= maxLines) whole += 1;
    const known = new Set<string>();
    for (const { image, lines } of imagesOf(failure, rng, maxLines)) {
      images += 1;
      const digest = recoveredDigest(image);
      if (known.has(digest)) continue;
      known.add(digest);
      outcomes += 1;
      const wrong = await checkAfter(image, setup, modelAt(seed, failure, modelOptions));
      if (wrong !== null) losses.push(`flush ${i}, lines ${lines.join(' ') || 'none'}: ${wrong}`);
    }
  }
  return { flushes: failures.length, whole, images, outcomes, losses };
}
