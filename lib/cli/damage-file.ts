// Damaged device files: what stands before the data (info block, openers, counters, page meta)
// changed a byte at a time, and the file cut off after every page. Opening it is refused with an
// errno, or the files on it are as they were.

import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { isErrno } from '../errno.js';
import { bootMachine } from '../machine.js';
import { layoutOf } from '../mm/dax-info-block.js';
import { DaxDevice } from '../mm/dax-device.js';
import { MiB, PAGE_SIZE } from '../units.js';
import {
  ALL,
  IMAGE_LEN,
  soundImage,
  tryAll,
  wrongFile,
  type DamageReport,
  type Refusal,
  type Share,
  type SoundImage,
} from './damage.js';

/** A device file with the sound image on it; all of its bytes. */
async function soundFile(path: string): Promise<{ image: SoundImage; bytes: Uint8Array }> {
  const image = await soundImage(true);
  {
    using device = DaxDevice.open(path, { size: IMAGE_LEN, create: true });
    device.write(0, image.bytes);
  }
  return { image, bytes: Uint8Array.from(readFileSync(path)) };
}

/** Boot on the file; throws what must not be. */
async function tryFile(path: string, { files }: SoundImage): Promise<Refusal> {
  try {
    await using machine = await bootMachine({
      ...{ device: path, ram: MiB },
      mounts: { '/': { flavor: 'ext4', dax: true, keep: true } },
    });
    const wrong = await wrongFile(machine.spawn('check'), files);
    if (wrong !== null) throw new Error(wrong);
    return 'mounted';
  } catch (e) {
    if (!isErrno(e, 'EUCLEAN') && !isErrno(e, 'EINVAL')) throw e;
    return 'refused';
  }
}

/** Change every stride-th byte before the data. path: a file that does not exist, and will not. */
export async function flipHeader(path: string, stride: number, share = ALL): Promise<DamageReport> {
  const { image, bytes } = await soundFile(path);
  function* attempts() {
    for (let pos = 0; pos < layoutOf(IMAGE_LEN).dataPos; pos += stride) {
      const attempt = async (): Promise<Refusal> => {
        const changed = bytes.slice();
        changed[pos]! ^= 1 << (pos % 8);
        writeFileSync(path, changed);
        return tryFile(path, image);
      };
      yield [`byte ${pos} of the file`, attempt] as const;
    }
  }
  const report = await tryAll(attempts(), share);
  rmSync(path);
  return report;
}

/** Cut the file off after every page, and in the middle of each. All of them must be refused. */
export async function cutFile(path: string, share: Share = ALL): Promise<DamageReport> {
  const { image, bytes } = await soundFile(path);
  function* attempts() {
    for (let len = 0; len < bytes.length; len += PAGE_SIZE / 2) {
      const attempt = async (): Promise<Refusal> => {
        writeFileSync(path, bytes);
        truncateSync(path, len);
        const became = await tryFile(path, image);
        if (became === 'mounted') throw new Error('a file that was cut off is mounted');
        return became;
      };
      yield [`cut off at ${len}`, attempt] as const;
    }
  }
  const report = await tryAll(attempts(), share);
  rmSync(path);
  return report;
}
