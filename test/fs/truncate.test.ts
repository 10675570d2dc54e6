// Goal: truncate and ftruncate refuse what pjdfstest and LTP say they refuse, and nothing else.

import test from 'ava';
import { changeFlags } from '../../lib/fs/inode-flags.js';
import { bytesOf, FsMachine, outcome, PAGES, runs } from './fs-fixture.js';

const flavors = ['ext4', 'xfs', 'tmpfs'] as const;

for (const flavor of flavors) {
  test(`${flavor}: truncate by path answers the errno of each case`, async (t) => {
    const m = new FsMachine();
    const fs = await m.make(flavor);
    const root = m.process('root');
    const user = m.process('user', 1000);
    await root.write(await root.open(fs, '/f', ['rdwr', 'creat'], 0o644), 0, 'some');
    await root.call((c) => fs.mkdir(c, '/d', 0o700));
    await root.call((c) => fs.symlink(c, '/loop', '/loop'));
    await root.close(await root.open(fs, '/fixed'));
    const flags = { immutable: true };
    await root.call((c) => changeFlags(c, fs.inode(c, '/fixed'), flags));
    await root.close(await root.open(fs, '/log'));
    await root.call((c) => changeFlags(c, fs.inode(c, '/log'), { append: true }));
    const cases: readonly (readonly [string, number, 'root' | 'user', string])[] = [
      ['/f/x', 0, 'root', 'ENOTDIR'],
      [`/${'x'.repeat(256)}`, 0, 'root', 'ENAMETOOLONG'],
      [`/${'x/'.repeat(2100)}f`, 0, 'root', 'ENAMETOOLONG'],
      ['/none', 0, 'root', 'ENOENT'],
      ['/d/x', 0, 'user', 'EACCES'],
      ['/f', 0, 'user', 'EACCES'],
      ['/loop', 0, 'root', 'ELOOP'],
      ['/fixed', 0, 'root', 'EPERM'],
      ['/log', 0, 'root', 'EPERM'],
      ['/d', 0, 'root', 'EISDIR'],
      ['/f', -1, 'root', 'EINVAL'],
      ['/f', 2 ** 53, 'root', 'EINVAL'],
      ['/f', Number.MAX_SAFE_INTEGER, 'root', 'EFBIG'],
      ['/f', 1.5, 'root', 'EINVAL'],
      ['/f', 3, 'root', 'ok'],
    ];
    for (const [path, len, who, expected] of cases) {
      const process = who === 'root' ? root : user;
      const call = process.call((c) => fs.truncate(c, path, len));
      t.is(await outcome(call), expected, `${path.slice(0, 10)} ${len} by ${who}`);
    }
    t.is(runs(await root.read(await root.open(fs, '/f'), 0, 9)), '73*1,6f*1,6d*1');
    for (const path of ['/fixed', '/log']) {
      const inode = await root.call(async (c) => fs.inode(c, path));
      await root.call((c) => changeFlags(c, inode, { immutable: false, append: false }));
    }
    await m.end(t);
  });

  test(`${flavor}: ftruncate asks the descriptor`, async (t) => {
    const m = new FsMachine();
    const fs = await m.make(flavor);
    const app = m.process();
    const file = await app.open(fs, '/f', ['rdwr', 'creat'], 0);
    t.is(await outcome(app.truncate(file, 100)), 'ok', 'whatever the mode bits say');
    t.is(await outcome(app.truncate(file, -1)), 'EINVAL');
    t.is(await outcome(app.truncate(await app.open(fs, '/f', ['rdonly']), 0)), 'EINVAL');
    t.is(await outcome(app.truncate(await app.open(fs, '/f', ['path']), 0)), 'EBADF');
    t.is(await outcome(app.truncate(await app.open(fs, '/', ['rdonly']), 0)), 'EINVAL');
    t.is(file.stat().size, 100);
    await m.end(t);
  });

  test(`${flavor}: RLIMIT_FSIZE is EFBIG and SIGXFSZ, for growth only`, async (t) => {
    const m = new FsMachine();
    const fs = await m.make(flavor);
    const app = m.process();
    const file = await app.open(fs, '/f');
    await app.truncate(file, 8000);
    app.fsize = 5000;
    t.is(await outcome(app.truncate(file, 9000)), 'EFBIG');
    t.deepEqual(app.signals.splice(0), ['SIGXFSZ']);
    t.is(await outcome(app.truncate(file, 7000)), 'ok');
    t.is(await outcome(app.write(file, 6000, 'x')), 'EFBIG');
    t.deepEqual(app.signals, ['SIGXFSZ']);
    t.is(await app.write(file, 4990, bytesOf('x', 100)), 10, 'what is within the limit');
    await m.end(t);
  });
}

test('the sizes of pjdfstest 00, and the times a success and a refusal leave', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('ext4');
  const app = m.process();
  const file = await app.open(fs, '/f');
  await app.truncate(file, 1_234_567);
  t.is(file.stat().size, 1_234_567);
  await app.truncate(file, 567);
  t.is(file.stat().size, 567);
  await app.truncate(file, 0);
  const content = Uint8Array.from({ length: 12_345 }, (_, i) => (i * 31) & 0xff);
  await app.write(file, 0, content);
  await app.truncate(file, 23_456);
  t.deepEqual((await app.read(file, 0, 23_456)).subarray(0, 12_345), content);
  t.true((await app.read(file, 12_345, 23_456)).every((b) => b === 0));
  await app.truncate(file, 1);
  t.is(file.stat().size, 1);
  const before = file.stat().ctimeNs;
  await m.sched.runFor(1000);
  await outcome(app.truncate(await app.open(fs, '/f', ['rdonly']), 0));
  t.is(file.stat().ctimeNs, before, 'a refusal leaves the times');
  await app.truncate(file, PAGES(1));
  t.true(file.stat().ctimeNs > before);
  await m.end(t);
});
