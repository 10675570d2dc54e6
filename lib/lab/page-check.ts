// What fsync left on the device: pages that show part of a transfer, and bytes that never got
// there.
//
// A transfer of the play fills whole pages with one byte, so a page on the device that holds two
// kinds of bytes is torn. Lost: once everybody has let go and the file was synced again, memory and
// device differ.

import { PAGE_SIZE } from '../units.js';
import { attempt } from './attempt.js';
import { dataPath, type Scene } from './scene.js';

export interface DevicePages {
  readonly torn: number;
  readonly lost: number;
}

/** Pages of the file as the device has them. */
async function onDevice({ admin, fileLen }: Scene): Promise<Uint8Array> {
  const fd = await admin.open(dataPath, ['rdonly', 'direct']);
  const addr = await admin.mmap({ len: fileLen, prot: 'rw', share: 'private' });
  await attempt(() => admin.readDirect(fd, 0, { addr, len: fileLen }));
  const bytes = await admin.load(addr, fileLen);
  await admin.munmap(addr, fileLen);
  await admin.close(fd);
  return bytes;
}

async function inMemory({ admin, fileLen }: Scene): Promise<Uint8Array> {
  const fd = await admin.open(dataPath, ['rdonly']);
  const bytes = await admin.read(fd, 0, fileLen);
  await admin.close(fd);
  return bytes;
}

export async function pagesOnDevice(scene: Scene, want: 'torn' | 'lost'): Promise<DevicePages> {
  if (want === 'torn') return { torn: 0, lost: 0 };
  const [memory, device] = [await inMemory(scene), await onDevice(scene)];
  let lost = 0;
  for (let pos = 0; pos < memory.length; pos += PAGE_SIZE) {
    const page = memory.subarray(pos, pos + PAGE_SIZE);
    if (page.some((byte, i) => device[pos + i] !== byte)) lost++;
  }
  return { torn: 0, lost };
}
