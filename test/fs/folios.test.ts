// Goal: a large folio that is cut in part is zeroed in place while somebody references it.

import test from 'ava';
import type { FallocMode } from '../../lib/fs/fallocate.js';
import { kernelNames, kernelRules } from '../../lib/kernel-rules.js';
import { bytesOf, FsMachine, PAGES, runs } from './fs-fixture.js';

/** Writes that make the file, what is cut, and whether a pin of page 2 then reads zeros. */
const rows: readonly (readonly [string, number[], FallocMode, number, number, boolean])[] = [
  ['the first quarter of one folio', [16], 'punch', 0, 4, true],
  ['the whole folio', [16], 'punch', 0, 16, false],
  ['another part of the folio', [16], 'punch', 8, 4, false],
  ['a whole folio of two', [4, 4], 'punch', 0, 4, false],
  ['a part of the first of two', [4, 4], 'punch', 2, 2, true],
  ['single pages', [1, 1, 1, 1], 'punch', 0, 3, false],
];

for (const kernel of kernelNames) {
  test(`${kernel}: a punch under a pin reads zeros only inside a large folio`, async (t) => {
    for (const [name, writes, mode, from, nr, zeroed] of rows) {
      const m = new FsMachine({ kernel });
      const fs = await m.make('ext4');
      const app = m.process();
      const file = await app.open(fs, '/f');
      let at = 0;
      for (const n of writes) {
        await app.write(file, PAGES(at), bytesOf('Z', PAGES(n)));
        at += n;
      }
      const addr = await app.mmap(file, PAGES(at));
      const { pipe } = await app.pin(addr + PAGES(2), PAGES(1));
      await app.call((c) => file.fallocate(c, mode, PAGES(from), PAGES(nr)));
      t.is(runs(await app.read(file, PAGES(from), PAGES(nr))), `00*${PAGES(nr)}`);
      const seen = kernelRules[kernel].ext4LargeFolios && zeroed ? '00*4096' : '5a*4096';
      t.is(runs(await app.unpin(pipe)), seen, name);
      await m.end(t);
    }
  });
}

test('a folio that nobody references is split and dropped', async (t) => {
  const m = new FsMachine({ kernel: '7.2' });
  const fs = await m.make('ext4');
  const app = m.process();
  const file = await app.open(fs, '/f');
  await app.write(file, 0, bytesOf('Z', PAGES(8)));
  const ram = m.mm.allocator.nrFree;
  await app.call((c) => file.fallocate(c, 'punch', 0, PAGES(2)));
  t.is(m.mm.allocator.nrFree, ram + 2);
  await m.end(t);
});

test('pages of a split folio outside the cut are folios still', async (t) => {
  const m = new FsMachine({ kernel: '7.2' });
  const fs = await m.make('ext4');
  const app = m.process();
  const file = await app.open(fs, '/f');
  await app.write(file, 0, bytesOf('Z', PAGES(16)));
  await app.call((c) => file.fallocate(c, 'punch', PAGES(8), PAGES(8)));
  const { pipe } = await app.pin((await app.mmap(file, PAGES(16))) + PAGES(2), PAGES(1));
  await app.call((c) => file.fallocate(c, 'punch', 0, PAGES(4)));
  t.is(runs(await app.unpin(pipe)), '00*4096');
  await m.end(t);
});

/** Calls that write a referenced folio back first, and the file they leave. */
const clean: readonly (readonly [FallocMode, number, number, string])[] = [
  ['insert', 8, 4, '5a*32768,00*16384,5a*32768'],
  ['collapse', 4, 4, '5a*49152'],
];

for (const [mode, from, nr, left] of clean) {
  test(`${mode} inside a folio under a pin leaves the file its bytes`, async (t) => {
    const m = new FsMachine({ kernel: '7.2' });
    const fs = await m.make('ext4');
    const app = m.process();
    const file = await app.open(fs, '/f');
    await app.write(file, 0, bytesOf('Z', PAGES(16)));
    const addr = await app.mmap(file, PAGES(16));
    const { pipe } = await app.pin(addr + PAGES(9), PAGES(1));
    await app.call((c) => file.fallocate(c, mode, PAGES(from), PAGES(nr)));
    t.is(runs(await app.read(file, 0, PAGES(20))), left);
    t.is(runs(await app.load(addr, 16)), '5a*16');
    t.is(runs(await app.unpin(pipe)), '00*4096');
    await m.end(t);
  });
}

test('a direct write over a part of a referenced folio is read back, and so is the rest', async (t) => {
  const m = new FsMachine({ kernel: '7.2' });
  const fs = await m.make('ext4');
  const app = m.process();
  const file = await app.open(fs, '/f');
  await app.write(file, 0, bytesOf('Z', PAGES(4)));
  const addr = await app.mmap(file, PAGES(4));
  const { pipe } = await app.pin(addr + PAGES(1), PAGES(1));
  const from = await app.mmap(null, PAGES(1));
  await app.store(from, bytesOf('A', PAGES(1)));
  const direct = await app.open(fs, '/f', ['rdwr', 'direct']);
  await app.call((c) => direct.writeDirect(c, PAGES(1), app.mm, from, PAGES(1)));
  t.is(runs(await app.read(file, 0, PAGES(4))), '5a*4096,41*4096,5a*8192');
  t.is(runs(await app.unpin(pipe)), '5a*4096');
  await m.end(t);
});
