// What reclaim asks of the file system that a page belongs to: may a pinned page be unmapped, and
// have it written.

import { constant } from '../constant.js';
import type { AddressSpace } from '../mm/address-space.js';
import type { ReclaimHooks } from '../mm/reclaim.js';
import { isErrno } from '../errno.js';
import { Inode } from './inode.js';
import { writebackPage } from './writeback.js';

const inodeOf = ({ host }: AddressSpace): Inode | null => (host instanceof Inode ? host : null);

/** The policy of each page's own mount decides; without one it is as in Linux. */
export const reclaimHooks: ReclaimHooks = constant({
  beforeUnmap(mapping, pgoff, pfn) {
    const policy = inodeOf(mapping)?.policy.pages;
    return policy?.beforeUnmap({ pfn, pgoff }, 'reclaim') ?? 'allow';
  },

  /** A page that cannot be written stays dirty, and whoever syncs the file hears of it. */
  async pageout(task, mapping, pgoff) {
    const inode = inodeOf(mapping);
    if (inode === null || inode.kind !== 'pagecache') return;
    try {
      await writebackPage(task, inode, pgoff, 'background');
    } catch (e) {
      if (!isErrno(e)) throw e;
    }
  },
});
