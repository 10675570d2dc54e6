// Goal: a mount knows its rules and its files, and tells leases when their pins are gone.

import test from 'ava';
import { pinUserPages } from '../../lib/mm/gup.js';
import { policies } from '../../lib/policy/index.js';
import { bytesOf, FsMachine, outcome, PAGES } from './fs-fixture.js';

test('a policy overrides the kernel rules it names and no others', async (t) => {
  const m = new FsMachine({ kernel: '6.1' });
  const fs = await m.make('ext4', { dax: true, policy: policies.wait });
  t.false(fs.mount.rules.busyScanNeedsMapping);
  t.true(fs.mount.rules.evictWaits);
  t.is(fs.mount.rules.idleRefcount, 1);
  t.is(fs.mount.label, 'ext4-dax');
  await m.end(t);
});

test('the same number is the same inode, until it is evicted', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('ext4');
  const app = m.process();
  const file = await app.open(fs, '/f');
  const { inode } = file;
  t.is(fs.mount.inode(inode.ino), inode);
  await app.close(file);
  t.is(fs.mount.inode(inode.ino), inode, 'a file with a name stays known');
  await app.call((c) => fs.unlink(c, '/f'));
  t.throws(() => fs.mount.inode(inode.ino), { message: /EUCLEAN/ });
  const next = await app.open(fs, '/g');
  t.is(next.inode.ino, inode.ino);
  t.true(next.inode.generation > inode.generation);
  await m.end(t);
});

test('a lease that was given up under pins ends when the last of them goes', async (t) => {
  const m = new FsMachine({ kernel: 'proposed' });
  const fs = await m.make('ext4', { dax: true, policy: policies['lease-required'] });
  const app = m.process();
  const file = await app.open(fs, '/f');
  await app.write(file, 0, bytesOf('a', PAGES(1)));
  const addr = await app.mmap(file, PAGES(1));
  const pin = () =>
    app.call(({ task }) =>
      pinUserPages(task, m.mm, {
        ...{ mm: app.mm, addr, len: PAGES(1), access: 'read', longterm: true, irrevocable: true },
        origin: { process: app, device: 'dev0', deviceFile: '/dev/dev0', dataFile: '/f' },
      }),
    );
  t.is(await outcome(pin()), 'EPERM', 'no pin without a lease');
  await app.call((c) => file.setLease(c, 'F_LAYOUT|F_EXCLUSIVE', 3));
  const pins = await pin();
  t.is(file.inode.leases.layoutLeases().length, 1);
  const unlock = app.call((c) => file.setLease(c, 'F_UNLCK', 3));
  const waits = await m.blocks(unlock);
  t.is(file.inode.leases.layoutLeases().length, 1);
  await app.call(async () => pins.unpin());
  t.false(await m.blocks(unlock));
  if (waits) t.is(file.inode.leases.layoutLeases().length, 0);
  await m.end(t);
});
