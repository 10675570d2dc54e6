// Damaged images: one byte of a small image changed, its end cut off, or all of it garbage. Then a
// mount answers with an errno or with the files as they were; fsck never crashes, and what it
// repaired it finds sound. The bytes of files carry no checksum: they are left out.

import { isErrno } from '../errno.js';
import { fsckPartition } from '../fs/fsck.js';
import { BLOCK_SIZE } from '../fs/format.js';
import { devicePartition } from '../fs/partition.js';
import { bootMachine, type Process } from '../machine.js';
import { DaxDevice } from '../mm/dax-device.js';
import { Prng } from '../sched/index.js';
import { KiB, MiB, PAGE_SIZE } from '../units.js';
import { contentsOf } from './torture-player.js';

export const IMAGE_LEN = 512 * KiB;

export interface SoundImage {
  readonly bytes: Uint8Array;
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Blocks that hold bytes of files. */
  readonly dataBlocks: ReadonlySet<number>;
  /** Blocks that nobody has. */
  readonly freeBlocks: ReadonlySet<number>;
}

async function fill(app: Process): Promise<void> {
  await app.mkdir('/d');
  for (const [i, name] of ['/a', '/d/b', '/d/c'].entries()) {
    const fd = await app.open(name, ['rdwr', 'creat']);
    await app.write(fd, 0, new Uint8Array(5000).fill(i + 1));
    await app.close(fd);
  }
  // Holes make extents, more than an inode has room for.
  const fd = await app.open('/holes', ['rdwr', 'creat']);
  for (let i = 0; i < 15; i++) await app.write(fd, 2 * i * PAGE_SIZE, Uint8Array.of(i + 1));
  await app.close(fd);
  await app.symlink('a', '/link');
  await app.link('/a', '/d/a2');
}

/** A small image with every kind of structure; unclean: its log is not empty. */
export async function soundImage(clean: boolean): Promise<SoundImage> {
  const machine = await bootMachine({
    ...{ inMemory: true, size: IMAGE_LEN, ram: MiB },
    mounts: { '/': { flavor: 'ext4', dax: true } },
  });
  const app = machine.spawn('fill');
  await fill(app);
  const files = await contentsOf(app);
  const { mount } = machine.mounts.get('/')!;
  const dataBlocks = new Set<number>();
  for (const inode of mount.inodes) {
    if (!inode.isRegular) continue;
    for (const e of inode.extents.all) {
      for (let i = 0; i < e.nrPages; i++) dataBlocks.add(e.block + i);
    }
  }
  const { allocator, superblock } = mount.disk!;
  const freeBlocks = new Set<number>();
  for (let block = 0; block < superblock.nrBlocks; block++) {
    if (!allocator.isUsed(block)) freeBlocks.add(block);
  }
  if (clean) mount.disk!.setMounted(false);
  else mount.syncAll();
  const bytes = Uint8Array.from(machine.device.view(0, machine.device.len));
  machine.abandon();
  return { bytes, files, dataBlocks, freeBlocks };
}

const sameBytes = (a: Uint8Array, b: Uint8Array | undefined): boolean =>
  b !== undefined && Buffer.compare(a, b) === 0;

/** Read all files of a mounted image; a refusal is fine, other bytes are not. */
export async function wrongFile(app: Process, files: SoundImage['files']): Promise<string | null> {
  for (const [name, bytes] of files) {
    try {
      const fd = await app.open(name, ['rdonly']);
      const found = await app.read(fd, 0, 1 << 20);
      await app.close(fd);
      if (!sameBytes(bytes, found)) return `${name} has other bytes`;
    } catch (e) {
      if (!isErrno(e, 'EUCLEAN')) return `${name}: ${String(e)}`;
    }
  }
  return null;
}

export type Refusal = 'mounted' | 'refused';

/** What became of it; throws what must not be: a crash, or a wrong file. */
export async function tryImage(bytes: Uint8Array, files: SoundImage['files']): Promise<Refusal> {
  const device = DaxDevice.memory(bytes.length);
  try {
    device.write(0, bytes);
    const partition = devicePartition(device, 0, device.len);
    let mounted: Refusal = 'mounted';
    try {
      await using machine = await bootMachine({
        ...{ device: device.path, ram: MiB },
        mounts: { '/': { flavor: 'ext4', dax: true, keep: true } },
      });
      const wrong = await wrongFile(machine.spawn('check'), files);
      if (wrong !== null) throw new Error(wrong);
    } catch (e) {
      if (!isErrno(e, 'EUCLEAN') && !isErrno(e, 'EINVAL')) throw e;
      mounted = 'refused';
    }
    await checkRepair(device, bytes, partition);
    return mounted;
  } finally {
    device.close();
  }
}

async function checkRepair(
  device: DaxDevice,
  bytes: Uint8Array,
  partition: ReturnType<typeof devicePartition>,
): Promise<void> {
  device.write(0, bytes);
  try {
    await fsckPartition(partition, false);
    if (!sameBytes(bytes, device.view(0, device.len))) throw new Error('fsck changed the image');
    await fsckPartition(partition, true);
  } catch (e) {
    if (isErrno(e, 'EUCLEAN') || isErrno(e, 'EINVAL')) return;
    throw e;
  }
  const [left] = (await fsckPartition(partition, false)).findings;
  if (left !== undefined) throw new Error(`after a repair: ${left.what}`);
}

export interface DamageReport {
  readonly images: number;
  readonly refused: number;
  readonly failures: readonly string[];
}

/** One part of the work, of so many that are as large. */
export interface Share {
  readonly index: number;
  readonly of: number;
}

export const ALL: Share = { index: 0, of: 1 };
/** How far apart bytes are changed that nothing reads: those of free blocks. */
const FREE_STRIDE = 61;

/** Try one after the other; a failure is told with its name. */
export async function tryAll(
  attempts: Iterable<readonly [name: string, attempt: () => Promise<Refusal>]>,
  { index, of }: Share,
): Promise<DamageReport> {
  const failures: string[] = [];
  let [images, refused, n] = [0, 0, 0];
  for (const [name, attempt] of attempts) {
    if (n++ % of !== index) continue;
    images += 1;
    try {
      if ((await attempt()) === 'refused') refused += 1;
    } catch (e) {
      failures.push(`${name}: ${e instanceof Error ? (e.stack ?? e.message) : String(e)}`);
    }
  }
  return { images, refused, failures };
}

/** Positions to change: each stride-th byte of what is in use, fewer of free blocks. */
function* positions(image: SoundImage, stride: number, from: number): IterableIterator<number> {
  const { bytes, dataBlocks, freeBlocks } = image;
  for (let pos = from; pos < bytes.length; pos += stride) {
    const block = Math.floor(pos / BLOCK_SIZE);
    if (dataBlocks.has(block)) continue;
    if (stride < FREE_STRIDE && freeBlocks.has(block) && pos % FREE_STRIDE !== 0) continue;
    yield pos;
  }
}

/** Change one byte at a time, at every stride-th position of the metadata. */
export async function flipBytes(
  clean: boolean,
  stride: number,
  from = 0,
  share = ALL,
): Promise<DamageReport> {
  const sound = await soundImage(clean);
  function* attempts() {
    for (const pos of positions(sound, stride, from)) {
      const name = `byte ${pos} (block ${Math.floor(pos / BLOCK_SIZE)})`;
      yield [name, () => tryImage(flipped(sound.bytes, pos), sound.files)] as const;
    }
  }
  return tryAll(attempts(), share);
}

function flipped(bytes: Uint8Array, pos: number): Uint8Array {
  const image = bytes.slice();
  image[pos]! ^= 1 << (pos % 8);
  return image;
}

/** Garbage: all of the image random, or one block of its metadata. */
export async function garbage(seed: number, rounds: number, share = ALL): Promise<DamageReport> {
  const { bytes, files, dataBlocks } = await soundImage(true);
  const rng = new Prng(seed);
  function* attempts() {
    for (let i = 0; i < rounds; i++) {
      const image = bytes.slice();
      const block = 1 + (rng.uint32() % 40);
      const from = i % 2 === 0 || dataBlocks.has(block) ? 0 : BLOCK_SIZE * block;
      const to = from === 0 ? image.length : Math.min(image.length, from + BLOCK_SIZE);
      for (let pos = from; pos < to; pos++) image[pos] = rng.uint32() & 0xff;
      yield [`round ${i}`, () => tryImage(image, files)] as const;
    }
  }
  return tryAll(attempts(), share);
}
