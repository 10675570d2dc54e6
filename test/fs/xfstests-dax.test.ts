// Goal: rows of xfstests about failing devices and DAX's own promises hold: a file system that was
// shut down, MAP_SYNC, and memory that failed. Each test is named after its row. The DAX flag:
// xfstests-dax-flag.test.ts.

import test from 'ava';
import { FileSystem } from '../../lib/fs/file-system.js';
import { fsckPartition } from '../../lib/fs/fsck.js';
import { devicePartition } from '../../lib/fs/partition.js';
import { DaxDevice } from '../../lib/mm/dax-device.js';
import { VmFault } from '../../lib/mm/vma.js';
import { bytesOf, FsMachine, MiB, outcome, PAGES, runs } from './fs-fixture.js';

/** A log that is not written for want of room: what nobody asked to be durable is not. */
async function withLongLog(m: FsMachine, flavor: 'ext4' | 'xfs', dax: boolean) {
  const where = { startPos: 0, len: MiB };
  await FileSystem.mkfs(m.device, { ...where, flavor, journalBlocks: 64 });
  return m.mount(flavor, { ...where, dax });
}

for (const [flavor, dax] of [
  ['ext4', true],
  ['xfs', true],
  ['ext4', false],
  ['xfs', false],
] as const) {
  const on = `${flavor}${dax ? '-dax' : ''}`;

  test(`${on} 623: a store to a file system that was shut down is SIGBUS, and a mount recovers`, async (t) => {
    const m = new FsMachine();
    const fs = await withLongLog(m, flavor, dax);
    const app = m.process();
    const file = await app.open(fs, '/f');
    await app.write(file, 0, bytesOf('f', PAGES(2)));
    await app.call((c) => file.fsync(c));
    const addr = await app.mmap(file, PAGES(2));
    await app.store(addr, bytesOf('m', 10));
    await app.truncate(await app.open(fs, '/lost'), 5);
    await m.sched.enter('shutdown', (task) => fs.shutDown(task, 'now'));
    t.is(await outcome(app.store(addr + PAGES(1), bytesOf('m', 10))), 'SIGBUS');
    const refused: Record<string, Promise<unknown>> = {
      fsync: app.call((c) => file.fsync(c)),
      read: app.read(file, 0, 10),
      write: app.write(file, 0, 'x'),
      truncate: app.truncate(file, 1),
      open: app.open(fs, '/f'),
      unlink: app.call((c) => fs.unlink(c, '/f')),
    };
    for (const [call, made] of Object.entries(refused)) t.is(await outcome(made), 'EIO', call);
    await app.exit();
    await m.sched.settle();
    const again = await m.remount(fs);
    const reader = m.process('reader');
    const found = await reader.open(again, '/f', ['rdonly']);
    t.is(found.stat().size, PAGES(2));
    t.is(runs(await reader.read(found, PAGES(1), PAGES(1))), '66*4096');
    t.is(await outcome(reader.open(again, '/lost', ['rdonly'])), 'ENOENT', 'never made durable');
    await m.end(t);
  });
}

/** A device that keeps what was flushed apart from what was stored. */
function durableView(device: DaxDevice): () => Uint8Array {
  const durable = Uint8Array.from(device.view(0, device.len));
  const flush = device.flush.bind(device);
  device.flush = (pos, len) => {
    flush(pos, len);
    durable.set(device.view(pos, len), pos);
  };
  return () => durable;
}

for (const sync of [true, false]) {
  const how = sync ? 'by MAP_SYNC is there' : 'by a plain mapping need not be there';
  test(`470: what was stored and flushed ${how} after a power cut`, async (t) => {
    const m = new FsMachine({ deviceLen: MiB });
    const fs = await withLongLog(m, 'ext4', true);
    const app = m.process();
    const cut = durableView(m.device);
    const file = await app.open(fs, '/f');
    await app.truncate(file, PAGES(4));
    const { mm } = app;
    const addr = await app.call(({ task }) =>
      mm.mmap(task, {
        len: PAGES(4),
        prot: 'rw',
        share: 'shared',
        file,
        ops: file.vmOps,
        flags: { sync },
      }),
    );
    await app.store(addr + PAGES(2), bytesOf('s', PAGES(1)));
    // What the program does itself: the lines of its stores, no fsync.
    const inode = await app.call(async (c) => fs.inode(c, '/f'));
    m.device.flush(PAGES(inode.extents.blockOf(2)!), PAGES(1));
    const image = DaxDevice.memory(MiB);
    image.write(0, cut());
    const partition = devicePartition(image, 0, MiB);
    t.deepEqual((await fsckPartition(partition, false)).findings, []);
    const after = new FsMachine({ device: image });
    const found = await after.mount('ext4', { dax: true });
    const reader = after.process();
    const opened = reader.open(found, '/f', ['rdonly']);
    if (sync) {
      t.is(runs(await reader.read(await opened, PAGES(2), PAGES(1))), '73*4096');
    } else {
      t.is(await outcome(opened), 'ENOENT', 'not even the name was durable');
    }
    await after.end(t);
    await m.end(t);
  });
}

const repairs = {
  'a truncate': (
    app: ReturnType<FsMachine['process']>,
    file: Awaited<ReturnType<typeof app.open>>,
  ) => app.truncate(file, PAGES(1)),
  'a punch': (app: ReturnType<FsMachine['process']>, file: Awaited<ReturnType<typeof app.open>>) =>
    app.call((c) => file.fallocate(c, 'punch', PAGES(2), PAGES(1))),
} as const;

for (const [name, repair] of Object.entries(repairs)) {
  test(`xfs/550, 551, 552: failed memory of a DAX file is SIGBUS with the address; ${name} mends it`, async (t) => {
    for (const flavor of ['xfs', 'ext4'] as const) {
      const m = new FsMachine();
      const fs = await m.make(flavor, { dax: true });
      const [app, other] = [m.process('A'), m.process('B')];
      const file = await app.open(fs, '/f');
      await app.write(file, 0, bytesOf('f', PAGES(4)));
      const addr = await app.mmap(file, PAGES(4));
      const shared = await other.mmap(await other.open(fs, '/f'), PAGES(4));
      await other.load(shared, PAGES(4));
      await app.call(({ task }) => app.mm.madvise(task, addr + PAGES(2), PAGES(1), 'hwpoison'));
      for (const [who, at] of [
        [app, addr],
        [other, shared],
      ] as const) {
        t.is(runs(await who.load(at + PAGES(1), PAGES(1))), '66*4096', 'its neighbours are sound');
        const e = await t.throwsAsync(who.load(at + PAGES(2) + 100, 8), { instanceOf: VmFault });
        t.like(e, { signal: 'SIGBUS', code: 'BUS_MCEERR_AR', addr: at + PAGES(2) + 100 });
        t.is(await outcome(who.store(at + PAGES(2), bytesOf('x', 1))), 'SIGBUS');
      }
      t.is(await outcome(app.read(file, PAGES(2), 10)), 'EIO');
      t.is((await app.read(file, 0, PAGES(1))).length, PAGES(1));
      await repair(app, file);
      if (file.stat().size < PAGES(4)) await app.truncate(file, PAGES(4));
      t.is(runs(await app.read(file, PAGES(2), PAGES(1))), '00*4096');
      await other.store(shared + PAGES(2), bytesOf('n', PAGES(1)));
      t.is(runs(await app.load(addr + PAGES(2), PAGES(1))), '6e*4096');
      await m.end(t);
    }
  });
}
