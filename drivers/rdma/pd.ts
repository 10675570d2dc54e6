// ibv_pd: a protection domain. Keys and queue pairs of one domain work together, others do not.

import { Errno } from '../../lib/driver/index.js';
import type { UverbsFile } from './uverbs-file.js';

export class PD {
  /** Number that regions and queue pairs carry; unique on the adapter. */
  readonly pdn: number;
  /** Regions, windows, queue pairs, SRQs and address handles that stand on it. */
  nrUsers = 0;

  constructor(pdn: number) {
    this.pdn = pdn;
  }
}

export function allocPD(file: UverbsFile): { handle: number } {
  return { handle: file.objects.add('pd', new PD(file.device.nextPdn++)) };
}

/** EBUSY while anything stands on it (uverbs_free_pd; facts 5.3). */
export function deallocPD(file: UverbsFile, arg: { handle: number }): void {
  using pd = file.objects.own<PD>('pd', arg.handle);
  assertUnused(pd.object);
  file.objects.remove(pd.handle);
}

export function assertUnused(pd: PD): void {
  if (pd.nrUsers > 0) throw new Errno('EBUSY', `dealloc_pd: ${pd.nrUsers} objects stand on it`);
}
