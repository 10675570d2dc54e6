// Goal: advice is taken or refused as madvise02 of LTP has it (judges 2.4), and pinned pages of
// shared memory stay where they are (conformance pincache/*).

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import type { AddressSpaceKind } from '../../lib/mm/address-space.js';
import { gup } from '../../lib/mm/gup.js';
import type { Advice } from '../../lib/mm/mm.js';
import { posOf } from '../../lib/units.js';
import { assertBalanced } from '../support/balance.js';
import {
  bytes,
  loaded,
  mapFile,
  memoryMachine,
  newProcess,
  TestFile,
  vmaOf,
} from '../support/mm-fixture.js';

const rows: readonly {
  what: string;
  advice: Advice;
  kind?: AddressSpaceKind;
  share?: 'private';
  prot?: 'r';
  locked?: boolean;
  offset?: number;
  hole?: boolean;
  code: string;
}[] = [
  { what: 'unaligned', advice: 'dontneed', offset: 1, code: 'EINVAL' },
  { what: 'unknown', advice: 'nonsense' as Advice, code: 'EINVAL' },
  { what: 'dontneed of locked memory', advice: 'dontneed', locked: true, code: 'EINVAL' },
  { what: 'remove of locked memory', advice: 'remove', locked: true, code: 'EINVAL' },
  { what: 'a hole', advice: 'dontneed', hole: true, code: 'ENOMEM' },
  { what: 'free of a file', advice: 'free', kind: 'pagecache', code: 'EINVAL' },
  { what: 'wipeonfork of shared memory', advice: 'wipeonfork', code: 'EINVAL' },
  {
    what: 'remove of private anonymous memory',
    advice: 'remove',
    share: 'private',
    code: 'EINVAL',
  },
  {
    what: 'remove of a private file mapping',
    advice: 'remove',
    kind: 'shmem',
    share: 'private',
    code: 'EACCES',
  },
  {
    what: 'remove of a read-only mapping',
    advice: 'remove',
    kind: 'shmem',
    prot: 'r',
    code: 'EACCES',
  },
  { what: 'free of private memory', advice: 'free', share: 'private', code: 'ok' },
  { what: 'willneed', advice: 'willneed', code: 'ok' },
  { what: 'dontneed of a file', advice: 'dontneed', kind: 'fsdax', code: 'ok' },
];

for (const row of rows) {
  test(`${row.what}: ${row.code}`, async (t) => {
    const m = memoryMachine();
    const { mm } = newProcess(m, 'app');
    const file = row.kind === undefined ? null : new TestFile(m, row.kind, posOf(3));
    await m.run(async (task) => {
      const opts = { share: row.share ?? 'shared', prot: row.prot ?? 'rw' } as const;
      const addr = await mapFile(task, mm, file, 3, opts);
      await mm.load(task, addr, new Uint8Array(posOf(3)));
      if (row.locked === true) vmaOf(mm, addr).flags.locked = true;
      mm.lockedVm = row.locked === true ? 3 : 0;
      if (row.hole === true) await mm.munmap(task, addr + posOf(1), posOf(1));
      const at = addr + (row.offset ?? 0);
      const answer = await mm.madvise(task, at, posOf(3), row.advice).then(
        () => 'ok',
        (e: unknown) => (isErrno(e) ? e.code : String(e)),
      );
      t.is(answer, row.code);
      if (row.hole === true) t.is(vmaOf(mm, addr + posOf(2)).pte(0), 0, 'the rest was advised');
      await mm.exitMmap(task);
      file?.drop(0);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  });
}

test('dontneed gives private memory back as zeroes, and shared memory as it was', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app');
  await m.run(async (task) => {
    const own = await mapFile(task, mm, null, 2, { share: 'private' });
    const shared = await mapFile(task, mm, null, 2);
    for (const [addr, value] of [
      [own, 0],
      [shared, 5],
    ] as const) {
      await mm.store(task, addr, bytes(posOf(2), 5));
      await mm.madvise(task, addr, posOf(2), 'dontneed');
      t.deepEqual(await loaded(task, mm, addr, posOf(2)), bytes(posOf(2), value));
    }
    await mm.exitMmap(task);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('a pinned page of shared memory survives dontneed and is orphaned by remove', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app');
  const { pages } = m.env;
  await m.run(async (task) => {
    const addr = await mapFile(task, mm, null, 2);
    const out = new Uint32Array(1);
    await gup(task, mm, addr, 1, { write: true, longterm: true, kind: 'pin' }, out);
    await mm.madvise(task, addr, posOf(1), 'dontneed');
    pages.write(out, 0, bytes(2, 7));
    t.deepEqual(await loaded(task, mm, addr, 2), bytes(2, 7));
    await mm.madvise(task, addr, posOf(1), 'remove');
    t.is(pages.nrOrphans, 1);
    t.deepEqual(await loaded(task, mm, addr, 2), bytes(2, 0));
    pages.write(out, 0, bytes(2, 8));
    t.deepEqual(await loaded(task, mm, addr, 2), bytes(2, 0), 'nobody sees the orphan');
    const free = m.env.allocator.nrFree;
    pages.unpinPages(out, 0, 1);
    t.is(m.env.allocator.nrFree, free + 1);
    await mm.exitMmap(task);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});
