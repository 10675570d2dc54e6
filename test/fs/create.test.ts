// Goal: a new name is there whole or not at all, and full devices refuse before they change.

import test from 'ava';
import { FsMachine, MiB, outcome } from './fs-fixture.js';

test('a new file belongs to who made it, and has one name', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('ext4');
  const user = m.process('user', 1000);
  const file = await user.open(fs, '/f', ['rdwr', 'creat'], 0o4640);
  t.like(file.stat(), { uid: 1000, gid: 1000, mode: 0o104640, nlink: 1, size: 0, blocks: 0 });
  await user.call((c) => fs.mkdir(c, '/d', 0o750));
  await user.call(async (c) => t.like(fs.stat(c, '/d'), { mode: 0o040750, nlink: 2, uid: 1000 }));
  await m.end(t);
});

test('when inodes run out, or names need a block that is not there, nothing changes', async (t) => {
  const m = new FsMachine({ deviceLen: MiB });
  const fs = await m.make('ext4');
  const app = m.process();
  const made: string[] = [];
  for (let i = 0; ; i++) {
    const name = `/${i}`;
    const got = await outcome(app.open(fs, name, ['wronly', 'creat'], 0o600));
    if (got !== 'ok') {
      t.is(got, 'ENOSPC');
      break;
    }
    made.push(name);
  }
  t.is(fs.statfs().freeInodes, 0);
  const before = fs.statfs();
  t.is(await outcome(app.call((c) => fs.mkdir(c, '/one-more'))), 'ENOSPC');
  t.is(await outcome(app.call((c) => fs.symlink(c, 'x', '/one-more'))), 'ENOSPC');
  t.deepEqual(fs.statfs(), before);
  t.is(await outcome(app.call((c) => fs.link(c, made[0]!, '/another'))), 'ok', 'a link needs none');
  await app.call(async (c) => t.is(fs.readdir(c, '/').length, made.length + 1));
  await m.end(t);
});

test('two tasks that create one name both open it, unless exclusively', async (t) => {
  for (const excl of [false, true]) {
    for (let seed = 0; seed < 8; seed++) {
      const m = new FsMachine({ sched: { mode: 'simulated', seed } });
      const fs = await m.make('ext4');
      const flags = ['rdwr', 'creat', ...(excl ? (['excl'] as const) : [])] as const;
      const calls = ['A', 'B'].map((name) => outcome(m.process(name).open(fs, '/f', [...flags])));
      const got = (await Promise.all(calls)).sort();
      t.deepEqual(got, excl ? ['EEXIST', 'ok'] : ['ok', 'ok']);
      await m.end(t);
    }
  }
});
