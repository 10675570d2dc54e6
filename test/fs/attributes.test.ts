// Goal: only who may changes a file's mode, owner and flags, and they are there after a remount.

import test from 'ava';
import { changeFlags } from '../../lib/fs/inode-flags.js';
import { FsMachine, outcome } from './fs-fixture.js';

test('chmod is the owner’s, chown takes a capability, chattr its own', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('ext4');
  const root = m.process('root');
  const user = m.process('user', 1000);
  await user.close(await user.open(fs, '/mine', ['rdwr', 'creat'], 0o600));
  await root.close(await root.open(fs, '/roots'));
  t.is(await outcome(user.call((c) => fs.chmod(c, '/mine', 0o4711))), 'ok');
  t.is(await outcome(user.call((c) => fs.chmod(c, '/roots', 0o777))), 'EPERM');
  t.is(await outcome(user.call((c) => fs.chown(c, '/mine', 0, 1000))), 'EPERM');
  t.is(await outcome(user.call((c) => fs.chown(c, '/mine', 1000, 1000))), 'ok');
  t.is(await outcome(root.call((c) => fs.chown(c, '/roots', 7, 8))), 'ok');
  const flags = (p: typeof root) =>
    p.call((c) => changeFlags(c, fs.inode(c, '/mine'), { immutable: true }));
  t.is(await outcome(flags(user)), 'EPERM');
  t.is(await outcome(flags(root)), 'ok');
  t.is(await outcome(user.call((c) => fs.chmod(c, '/mine', 0o777))), 'EPERM');
  const again = await m.remount(fs);
  const reader = m.process('reader');
  await reader.call(async (c) => {
    t.like(again.stat(c, '/mine'), { mode: 0o104711, uid: 1000 });
    t.like(again.stat(c, '/roots'), { uid: 7, gid: 8 });
    t.true(again.inode(c, '/mine').record.immutable);
  });
  await m.end(t);
});
