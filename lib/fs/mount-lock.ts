// Who of this machine has which part of a device. Against other openers the device's own mount lock
// stands (an OFD lock); it is taken with the first partition and let go with the last.

import { Errno } from '../errno.js';
import type { DaxDevice } from '../mm/dax-device.js';
import { SideTable } from '../sched/index.js';

interface Taken {
  readonly lock: Disposable;
  readonly ranges: { readonly startPos: number; readonly len: number }[];
}

const taken = new SideTable<DaxDevice, Taken>();

/** Take a partition; the answer gives it back. EBUSY: a part of it, or the device, is taken. */
export function takeDevice(device: DaxDevice, startPos: number, len: number): () => void {
  const held = taken.get(device) ?? { lock: device.lockMount(), ranges: [] };
  const other = held.ranges.find(
    (r) => r.startPos < startPos + len && startPos < r.startPos + r.len,
  );
  if (other !== undefined) {
    throw new Errno('EBUSY', `[${other.startPos}, +${other.len}) of ${device.path} is mounted`);
  }
  taken.set(device, held);
  const range = { startPos, len };
  held.ranges.push(range);
  return () => {
    const index = held.ranges.indexOf(range);
    if (index < 0) return;
    held.ranges.splice(index, 1);
    if (held.ranges.length > 0) return;
    taken.delete(device);
    held.lock[Symbol.dispose]();
  };
}
