// The operations that meet the DMA, and who calls each.
//
//   truncate, punch   the administrator
//   unlink            the administrator; then the holder's mapping and descriptor go, the last ones
//   fsync, reclaim    the administrator, of a file in the page cache
//   exit              the holder itself
//
// An operation ends with `ok` or the errno of the call that failed. Where a device is slow to
// begin, fsync and reclaim come when it does: they are to meet its DMA.

import type { Task } from '../sched/index.js';
import { attempt } from './attempt.js';
import type { OperationName } from './cell.js';
import type { Holder } from './holder.js';
import { dataPath, type Scene } from './scene.js';

export interface Operation {
  readonly name: OperationName;
  readonly says: string;
  run(scene: Scene, holders: readonly Holder[], task: Task): Promise<string>;
}

/** Rounds of reclaim: one ages the pages, one writes what is dirty, one takes them. */
const reclaimRounds = 3;

export const operations: Readonly<Record<OperationName, Operation>> = {
  truncate: {
    name: 'truncate',
    says: 'truncate(2) to nothing, by somebody else',
    run: ({ admin }) => attempt(() => admin.truncate(dataPath, 0)),
  },
  punch: {
    name: 'punch',
    says: 'fallocate(PUNCH_HOLE) over the whole file, by somebody else',
    run: ({ admin, fileLen }) =>
      attempt(async () => {
        const fd = await admin.open(dataPath, ['rdwr']);
        try {
          await admin.fallocate(fd, 'punch', 0, fileLen);
        } finally {
          await admin.close(fd);
        }
      }),
  },
  unlink: {
    name: 'unlink',
    says: 'unlink(2); then the holder unmaps and closes the file, its device still open',
    async run({ admin }, holders) {
      const end = await attempt(() => admin.unlink(dataPath));
      if (end !== 'ok') return end;
      for (const holder of holders) await holder.leaveFile();
      return 'ok';
    },
  },
  fsync: {
    name: 'fsync',
    says: 'fsync(2) of the file in the page cache',
    run: ({ admin }) =>
      attempt(async () => {
        const fd = await admin.open(dataPath, ['rdwr']);
        try {
          await admin.fsync(fd);
        } finally {
          await admin.close(fd);
        }
      }),
  },
  reclaim: {
    name: 'reclaim',
    says: 'memory pressure: the page cache gives up what it can',
    async run({ machine, reclaims }, _holders, task) {
      const { lru } = machine.mm.pages;
      for (let round = 0; round < reclaimRounds; round++) {
        // As whoever runs short of memory does it: with what the file system asks of its policy.
        const nr = lru.nrInactive + lru.nrActive;
        reclaims.push(await machine.mm.pressure!.reclaim(task, nr));
      }
      return 'ok';
    },
  },
  exit: {
    name: 'exit',
    says: 'the holder exits; its memory goes first, then its descriptors, lowest first',
    run: (_scene, holders) =>
      attempt(async () => {
        for (const holder of holders) await holder.process.exit();
      }),
  },
};
