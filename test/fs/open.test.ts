// Goal: open(2) refuses, creates, breaks leases and truncates as Linux does, in its order.

import test from 'ava';
import type { OpenFlag } from '../../lib/fs/open.js';
import { bytesOf, FsMachine, outcome, PAGES } from './fs-fixture.js';
import { answers, playable, recorded } from './recorded.js';

for (const name of ['lease', 'fuzz-lease']) {
  test(`recorded cases of ${name} that need no device answer as three kernels did`, async (t) => {
    for (const c of recorded(name).filter(playable)) {
      for (const kernel of ['6.1', '6.12', '7.2'] as const) {
        const got = (await answers(c, kernel)).map(String);
        t.deepEqual(got, c.linux[kernel].map(String), `${c.id} on ${kernel}`);
      }
    }
  });
}

/** Flags, mode bits of /f (owned by root), who opens, and what comes of it. */
const rows: readonly (readonly [string, OpenFlag[], number, number, string])[] = [
  ['/f', ['rdonly'], 0o644, 1000, 'ok'],
  ['/f', ['rdwr'], 0o644, 1000, 'EACCES'],
  ['/f', ['rdonly', 'trunc'], 0o644, 1000, 'EACCES'],
  ['/f', ['wronly'], 0o622, 1000, 'ok'],
  ['/f', ['rdonly'], 0o622, 1000, 'EACCES'],
  ['/f', ['rdwr'], 0o000, 0, 'ok'],
  ['/f', ['path'], 0o000, 1000, 'ok'],
  ['/f', ['rdwr', 'creat', 'excl'], 0o666, 0, 'EEXIST'],
  ['/f', ['rdonly', 'directory'], 0o666, 0, 'ENOTDIR'],
  ['/f/', ['rdonly'], 0o666, 0, 'ENOTDIR'],
  ['/f/g', ['rdonly'], 0o666, 0, 'ENOTDIR'],
  ['/none', ['rdonly'], 0o666, 0, 'ENOENT'],
  ['/none/x', ['rdwr', 'creat'], 0o666, 0, 'ENOENT'],
  ['/none/', ['rdwr', 'creat'], 0o666, 0, 'EISDIR'],
  ['', ['rdonly'], 0o666, 0, 'ENOENT'],
  ['/', ['rdonly'], 0o666, 0, 'ok'],
  ['/', ['rdwr'], 0o666, 0, 'EISDIR'],
  ['/', ['rdonly', 'trunc'], 0o666, 0, 'EISDIR'],
  ['/d', ['rdonly', 'directory'], 0o666, 0, 'ok'],
  ['/d', ['wronly', 'creat'], 0o666, 0, 'EISDIR'],
  ['/sealed/x', ['rdonly'], 0o666, 1000, 'EACCES'],
  ['/sealed/x', ['rdwr', 'creat'], 0o666, 1000, 'EACCES'],
  ['/d/new', ['rdwr', 'creat'], 0o666, 1000, 'EACCES'],
  ['/link', ['rdonly'], 0o666, 0, 'ok'],
  ['/link', ['rdonly', 'nofollow'], 0o666, 0, 'ELOOP'],
  ['/loop', ['rdonly'], 0o666, 0, 'ELOOP'],
  ['/dangling', ['rdonly'], 0o666, 0, 'ENOENT'],
  ['/dangling', ['rdwr', 'creat', 'excl'], 0o666, 0, 'EEXIST'],
  [`/${'n'.repeat(256)}`, ['rdwr', 'creat'], 0o666, 0, 'ENAMETOOLONG'],
  [`/${'n'.repeat(255)}`, ['rdwr', 'creat'], 0o666, 0, 'ok'],
  [`/${'p/'.repeat(2048)}`, ['rdonly'], 0o666, 0, 'ENAMETOOLONG'],
  ['/f', ['rdonly', 'wronly'], 0o666, 0, 'EINVAL'],
];

for (const flavor of ['ext4', 'tmpfs'] as const) {
  test(`${flavor}: open answers what the table says`, async (t) => {
    for (const [path, flags, mode, uid, expected] of rows) {
      const m = new FsMachine();
      const fs = await m.make(flavor);
      const root = m.process('root');
      await root.close(await root.open(fs, '/f'));
      await root.call((c) => fs.chmod(c, '/f', mode));
      await root.call((c) => fs.mkdir(c, '/d', 0o755));
      await root.call((c) => fs.mkdir(c, '/sealed', 0o700));
      await root.call((c) => fs.symlink(c, 'f', '/link'));
      await root.call((c) => fs.symlink(c, '/loop', '/loop'));
      await root.call((c) => fs.symlink(c, 'nowhere', '/dangling'));
      const user = m.process('user', uid);
      const before = fs.statfs();
      const got = await outcome(user.open(fs, path, flags));
      t.is(got, expected, `${path.slice(0, 20)} ${flags.join()} ${mode.toString(8)} uid ${uid}`);
      if (expected !== 'ok') t.deepEqual(fs.statfs(), before, 'a refusal changes nothing');
      await m.end(t);
    }
  });
}

test('a file made through a dangling link lies where the link points', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('ext4');
  const app = m.process();
  await app.call((c) => fs.symlink(c, 'made', '/link'));
  await app.close(await app.open(fs, '/link'));
  t.is((await app.call(async (c) => fs.stat(c, '/made'))).nlink, 1);
  await m.end(t);
});

test('a read lease does not notice O_RDONLY|O_TRUNC: the lease stands', async (t) => {
  for (const flavor of ['ext4', 'tmpfs'] as const) {
    const m = new FsMachine();
    const fs = await m.make(flavor);
    const a = m.process('A');
    const b = m.process('B');
    const w = await a.open(fs, '/f');
    await a.write(w, 0, bytesOf('x', PAGES(1)));
    await a.close(w);
    const held = await a.open(fs, '/f', ['rdonly']);
    await a.call((c) => held.setLease(c, 'F_RDLCK', 3));
    t.is(await outcome(b.open(fs, '/f', ['rdonly', 'trunc'])), 'ok');
    t.is(held.stat().size, 0);
    t.deepEqual(a.signals, []);
    t.is(held.getLease(), 'F_RDLCK');
    await m.end(t);
  }
});

test('an open that is refused or interrupted leaves the counts as they were', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('ext4');
  const a = m.process('A');
  const held = await a.open(fs, '/f');
  const { inode } = held;
  await a.call((c) => held.setLease(c, 'F_WRLCK', 3));
  t.is(await outcome(m.process('B').open(fs, '/f', ['rdwr', 'nonblock'])), 'EAGAIN');
  t.deepEqual([inode.writers, inode.readers, inode.refs], [1, 0, 1]);
  let waiting: { interrupt(kind: 'signal'): void } | null = null;
  const call = m.process('B').call(
    (c) => fs.open(c, '/f', ['rdonly']),
    (task) => (waiting = task),
  );
  t.true(await m.blocks(call));
  t.deepEqual([inode.writers, inode.readers, inode.refs], [1, 1, 2], 'a waiting open counts');
  waiting!.interrupt('signal');
  t.is(await outcome(call), 'EINTR');
  t.deepEqual([inode.writers, inode.readers, inode.refs], [1, 0, 1]);
  await m.end(t);
});

test('O_DIRECT on tmpfs is refused by the kernels that do not know it', async (t) => {
  for (const [kernel, expected] of [
    ['6.1', 'EINVAL'],
    ['6.12', 'ok'],
  ] as const) {
    const m = new FsMachine({ kernel });
    const fs = await m.make('tmpfs');
    t.is(await outcome(m.process().open(fs, '/f', ['rdwr', 'creat', 'direct'])), expected);
    await m.end(t);
  }
});

test('the holder of a lease does without one for its own changes by descriptor', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('tmpfs');
  const a = m.process('A');
  const held = await a.open(fs, '/f');
  await a.write(held, 0, bytesOf('x', PAGES(2)));
  await a.call((c) => held.setLease(c, 'F_WRLCK', 3));
  const quiet: (() => Promise<unknown>)[] = [
    () => a.truncate(held, 10),
    () => a.call((c) => held.fallocate(c, 'alloc', 0, PAGES(1))),
    () => a.write(held, 0, 'y'),
    () => a.call((c) => fs.chmod(c, '/f', 0o600)),
    () => a.call((c) => fs.rename(c, '/f', '/g')),
    () => a.call((c) => fs.link(c, '/g', '/h')),
    () => a.call((c) => fs.unlink(c, '/h')),
    () => a.open(fs, '/g', ['path']),
  ];
  for (const call of quiet) t.is(await outcome(call()), 'ok');
  t.deepEqual(a.signals, []);
  t.is(await outcome(a.open(fs, '/g', ['rdonly', 'nonblock'])), 'EAGAIN');
  t.deepEqual(a.signals, ['SIGIO'], 'its own second open is no exception');
  await m.end(t);
});
