// Goal: copies of file bytes are exact at any alignment, in one piece or page by page.

import test from 'ava';
import { copyRun, pfnRun, readable } from '../../lib/fs/file-data.js';
import { FsMachine, PAGES } from './fs-fixture.js';

for (const mode of ['live', 'simulated'] as const) {
  test(`${mode}: a run of pages is read and written at any offset`, async (t) => {
    const m = new FsMachine({ sched: { mode } });
    const fs = await m.make('ext4');
    const first = m.mm.pages.regions[1]!.basePfn + 600;
    await m.process().call(async () => {
      for (const [offset, len] of [
        [0, 10],
        [4090, 12],
        [1, PAGES(3)],
        [4095, 1],
        [0, 0],
      ] as const) {
        const bytes = Uint8Array.from({ length: len }, (_, i) => (i * 7 + offset) & 0xff);
        await copyRun(fs.mount, 'write', first, offset, bytes);
        const back = new Uint8Array(len);
        await copyRun(fs.mount, 'read', first, offset, back);
        t.deepEqual(back, bytes);
      }
    });
    await m.end(t);
  });
}

test('a read ends where the file does', (t) => {
  const inode = { size: () => 100 } as Parameters<typeof readable>[0];
  t.is(readable(inode, 0, 1000), 100);
  t.is(readable(inode, 90, 5), 5);
  t.is(readable(inode, 100, 5), 0);
  t.is(readable(inode, 500, 5), 0);
  t.deepEqual([...pfnRun(7, 3)], [7, 8, 9]);
});
