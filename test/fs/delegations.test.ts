// Goal: whoever changes a name or an attribute breaks the delegations that Linux has it break, in
// that order, waits with no lock held, and looks its names up again.

import test from 'ava';
import { breakingDelegations, filesOf, lockInodes } from '../../lib/fs/delegations.js';
import type { FileSystem } from '../../lib/fs/file-system.js';
import type { OpenFlag } from '../../lib/fs/open.js';
import type { Caller } from '../../lib/mm/caller.js';
import { seconds } from '../../lib/units.js';
import { FsMachine, outcome, type TestProcess } from './fs-fixture.js';

/** /d with /d/f in it, /e, /g; H holds what is delegated, B breaks. */
async function stage() {
  const m = new FsMachine({ kernel: '7.2' });
  const fs = await m.make('ext4');
  const [H, B] = [m.process('H'), m.process('B')];
  await B.call((c) => fs.mkdir(c, '/d'));
  await B.call((c) => fs.mkdir(c, '/e'));
  for (const path of ['/d/f', '/g']) await B.close(await B.open(fs, path));
  return { m, fs, H, B };
}
type Stage = Awaited<ReturnType<typeof stage>>;

async function delegate({ fs }: Stage, who: TestProcess, path: string) {
  const flags: OpenFlag[] = ['/d', '/e'].includes(path) ? ['rdonly', 'directory'] : ['rdonly'];
  const file = await who.open(fs, path, flags);
  await who.call((c) => file.setDeleg(c, 'F_RDLCK', 3));
  const giveUp = () => who.call((c) => file.setDeleg(c, 'F_UNLCK', 3));
  return { file, giveUp };
}

/** Open and close. */
async function opened(fs: FileSystem, c: Caller, path: string, flags: OpenFlag[]) {
  (await fs.open(c, path, flags)).putFile(c.task);
}

type Change = (fs: FileSystem, c: Caller) => Promise<unknown>;
const changes: Record<string, Change> = {
  'open to create': (fs, c) => opened(fs, c, '/d/new', ['wronly', 'creat']),
  mkdir: (fs, c) => fs.mkdir(c, '/d/new'),
  mknod: (fs, c) => fs.mknod(c, '/d/new'),
  symlink: (fs, c) => fs.symlink(c, 'f', '/d/new'),
  'link to there': (fs, c) => fs.link(c, '/g', '/d/new'),
  unlink: (fs, c) => fs.unlink(c, '/d/f'),
  'rename from there': (fs, c) => fs.rename(c, '/d/f', '/e/f'),
  'rename to there': (fs, c) => fs.rename(c, '/g', '/d/g'),
  'rename over': (fs, c) => fs.rename(c, '/g', '/d/f'),
  exchange: (fs, c) => fs.rename(c, '/g', '/d/f', ['exchange']),
  chmod: (fs, c) => fs.chmod(c, '/d/f', 0o600),
  chown: (fs, c) => fs.chown(c, '/d/f', 1, 1),
  'chmod of the directory': (fs, c) => fs.chmod(c, '/d', 0o700),
  stat: async (fs, c) => fs.stat(c, '/d/f'),
  'open of what is there': (fs, c) => opened(fs, c, '/d/f', ['rdonly', 'creat']),
};

/** delegated inode -> the changes that break it. */
const breaks: Readonly<Record<string, readonly string[]>> = {
  '/d': [
    ...['open to create', 'mkdir', 'mknod', 'symlink', 'link to there', 'unlink'],
    ...['rename from there', 'rename to there', 'rename over', 'exchange'],
    'chmod of the directory',
  ],
  '/e': ['rename from there'],
  '/d/f': ['unlink', 'rename from there', 'rename over', 'exchange', 'chmod', 'chown'],
  '/g': ['link to there', 'rename to there', 'rename over', 'exchange'],
};

for (const [path, by] of Object.entries(breaks)) {
  for (const [name, change] of Object.entries(changes)) {
    const broken = by.includes(name);
    test(`${name} ${broken ? 'breaks' : 'passes by'} a delegation of ${path}`, async (t) => {
      const s = await stage();
      const { m, fs, H, B } = s;
      const held = await delegate(s, H, path);
      const call = B.call((c) => change(fs, c));
      t.is(await m.blocks(call), broken);
      t.deepEqual(H.signals, broken ? ['SIGIO'] : []);
      await held.giveUp();
      t.is(await outcome(call), 'ok');
      await m.end(t);
    });
  }
}

test('a plain lease of the file is broken by none of them', async (t) => {
  const s = await stage();
  const { m, fs, H, B } = s;
  const file = await H.open(fs, '/d/f', ['rdonly']);
  await H.call((c) => file.setLease(c, 'F_RDLCK', 3));
  for (const name of ['chmod', 'chown', 'exchange', 'rename from there'] as const) {
    t.is(await outcome(B.call((c) => changes[name]!(fs, c))), 'ok', name);
    if (name === 'exchange') await B.call((c) => fs.rename(c, '/g', '/d/f', ['exchange']));
  }
  t.is(file.getLease(), 'F_RDLCK');
  t.deepEqual(H.signals, []);
  await m.end(t);
});

test('two delegations are broken one after the other, in the order of the kernel', async (t) => {
  const s = await stage();
  const { m, fs, H, B } = s;
  const G = m.process('G');
  const ofDir = await delegate(s, H, '/d');
  const ofFile = await delegate(s, G, '/d/f');
  const call = B.call((c) => fs.unlink(c, '/d/f'));
  t.true(await m.blocks(call));
  t.deepEqual([H.signals, G.signals], [['SIGIO'], []]);
  await ofDir.giveUp();
  t.true(await m.blocks(call));
  t.deepEqual([H.signals, G.signals], [['SIGIO'], ['SIGIO']]);
  await ofFile.giveUp();
  t.is(await outcome(call), 'ok');
  await m.end(t);
});

test('who waits holds no lock, and looks its names up again', async (t) => {
  const s = await stage();
  const { m, fs, H, B } = s;
  const held = await delegate(s, H, '/d/f');
  const call = B.call((c) => fs.unlink(c, '/d/f'));
  t.true(await m.blocks(call));
  await B.call((c) => fs.mkdir(c, '/d/other'));
  t.is(fs.stat({ process: B } as unknown as Caller, '/d/f').nlink, 1);
  const second = B.call((c) => fs.rename(c, '/d/f', '/d/elsewhere'));
  t.true(await m.blocks(second));
  t.deepEqual(H.signals, ['SIGIO'], 'one break, one signal');
  await held.giveUp();
  t.deepEqual([await outcome(call), await outcome(second)].sort(), ['ENOENT', 'ok']);
  await m.end(t);
});

test('after the wait mkdir and rmdir walk their paths again; open has its directory', async (t) => {
  const s = await stage();
  const { m, fs, H, B } = s;
  await B.call((c) => fs.mkdir(c, '/d/empty'));
  const held = await delegate(s, H, '/d');
  const made = B.call((c) => fs.mkdir(c, '/d/new'));
  const removed = B.call((c) => fs.rmdir(c, '/d/empty'));
  const created = B.call((c) => opened(fs, c, '/d/file', ['wronly', 'creat']));
  for (const call of [made, removed, created]) t.true(await m.blocks(call));
  await B.call((c) => fs.rename(c, '/d', '/moved'));
  await held.giveUp();
  t.is(await outcome(made), 'ENOENT');
  t.is(await outcome(removed), 'ENOENT');
  t.is(await outcome(created), 'ok');
  await B.call((c) => fs.unlink(c, '/moved/file'));
  await B.call((c) => fs.rmdir(c, '/moved/empty'));
  await m.end(t);
});

test('after the wait link walks the path of the file again too', async (t) => {
  const s = await stage();
  const { m, fs, H, B } = s;
  const held = await delegate(s, H, '/d');
  const linked = B.call((c) => fs.link(c, '/g', '/d/new'));
  t.true(await m.blocks(linked));
  await B.call((c) => fs.rename(c, '/g', '/moved'));
  await held.giveUp();
  t.is(await outcome(linked), 'ENOENT');
  t.is(await outcome(B.call((c) => fs.link(c, '/moved', '/d/new'))), 'ok');
  await m.end(t);
});

test('lease-break-time ends a delegation, and 0 never does', async (t) => {
  const s = await stage();
  const { m, fs, H, B } = s;
  const held = await delegate(s, H, '/d');
  const call = B.call((c) => fs.mkdir(c, '/d/new'));
  t.true(await m.blocks(call, seconds(45) - 1));
  t.is(held.file.getDeleg(), 'F_UNLCK', 'what it is to become');
  t.false(await m.blocks(call, 1));
  m.leaseSettings.breakTimeNs = 0;
  const again = await delegate(s, H, '/d');
  const forEver = B.call((c) => fs.rmdir(c, '/d/new'));
  t.true(await m.blocks(forEver, seconds(4500)));
  await again.giveUp();
  t.is(await outcome(forEver), 'ok');
  await m.end(t);
});

test('a signal ends the wait with EINTR: nothing was changed, the break goes on', async (t) => {
  const s = await stage();
  const { m, fs, H, B } = s;
  const held = await delegate(s, H, '/d');
  let waiting: { interrupt(kind: 'signal'): void } | null = null;
  const call = B.call(
    (c) => fs.unlink(c, '/d/f'),
    (task) => (waiting = task),
  );
  t.true(await m.blocks(call));
  waiting!.interrupt('signal');
  t.is(await outcome(call), 'EINTR');
  t.is(held.file.getDeleg(), 'F_UNLCK');
  t.deepEqual(
    fs.inode({ process: B } as unknown as Caller, '/d').directory.lookup('f')?.kind,
    'file',
  );
  await m.end(t);
});

test('nobody is exempt: a holder waits for its own delegation', async (t) => {
  const s = await stage();
  const { m, fs, H } = s;
  const held = await delegate(s, H, '/d');
  const call = H.call((c) => opened(fs, c, '/d/new', ['wronly', 'creat', 'nonblock']));
  t.true(await m.blocks(call), 'O_NONBLOCK or not');
  t.deepEqual(H.signals, ['SIGIO']);
  await held.giveUp();
  t.is(await outcome(call), 'ok');
  await m.end(t);
});

test('a stranger’s chmod breaks the delegation and is refused then: EPERM', async (t) => {
  const s = await stage();
  const { m, fs, H } = s;
  const held = await delegate(s, H, '/d/f');
  const call = m.process('stranger', 1000).call((c) => fs.chmod(c, '/d/f', 0o777));
  t.true(await m.blocks(call));
  await held.giveUp();
  t.is(await outcome(call), 'EPERM');
  await m.end(t);
});

test('what the directory’s rights, or the names, refuse breaks nothing', async (t) => {
  const s = await stage();
  const { m, fs, H, B } = s;
  await B.call((c) => fs.chmod(c, '/d', 0o755));
  await delegate(s, H, '/d');
  const stranger = m.process('stranger', 1000);
  const refused: [string, TestProcess, Change][] = [
    ['EACCES', stranger, (f, c) => f.unlink(c, '/d/f')],
    ['EACCES', stranger, (f, c) => f.open(c, '/d/new', ['creat'])],
    ['EEXIST', B, (f, c) => f.mkdir(c, '/d/f')],
    ['EISDIR', B, (f, c) => f.unlink(c, '/d')],
    ['ENOENT', B, (f, c) => f.rename(c, '/d/none', '/g')],
  ];
  for (const [code, who, change] of refused) {
    t.is(await outcome(who.call((c) => change(fs, c))), code);
  }
  t.deepEqual(H.signals, []);
  await m.end(t);
});

test('ftruncate of a write delegation’s holder breaks it and is EAGAIN', async (t) => {
  const { m, fs, H } = await stage();
  const file = await H.open(fs, '/g', ['rdwr']);
  await H.call((c) => file.setDeleg(c, 'F_WRLCK', 3));
  H.fsize = 10;
  t.is(await outcome(H.truncate(file, 11)), 'EAGAIN', 'before the size is looked at');
  t.is(await outcome(H.truncate(file, 0)), 'EAGAIN');
  t.deepEqual(H.signals, ['SIGIO']);
  t.is(file.getDeleg(), 'F_UNLCK');
  await H.call((c) => file.setDeleg(c, 'F_UNLCK', 3));
  t.is(await outcome(H.truncate(file, 11)), 'EFBIG');
  t.is(await outcome(H.truncate(file, 0)), 'ok');
  await m.end(t);
});

test('O_TRUNC under a read delegation, by an open only for reading, is EAGAIN', async (t) => {
  const s = await stage();
  const { m, fs, H, B } = s;
  await delegate(s, H, '/g');
  t.is(await outcome(B.open(fs, '/g', ['rdonly', 'trunc'])), 'EAGAIN');
  t.deepEqual(H.signals, ['SIGIO']);
  await m.end(t);
});

// Method: both at once, F_SETDELEG later and later, and the change has to wait for the journal; a
// grant is looked at as it is made.
test('a delegation of a file that has its name is asked for before the name goes', async (t) => {
  const ways = new Set<string>();
  for (let laterNs = 0; laterNs <= 30; laterNs++) {
    const m = new FsMachine({ kernel: '7.2' });
    const fs = await m.make('ext4');
    const [H, B] = [m.process('H'), m.process('B')];
    await B.close(await B.open(fs, '/f'));
    const file = await H.open(fs, '/f', ['rdonly']);
    let nlinkAtGrant = 0;
    file.leaseGranted = (_lease, process) => {
      nlinkAtGrant = file.inode.record.nlink;
      file.owner = process;
    };
    const { mount } = fs;
    const transaction = mount.transaction.bind(mount);
    mount.transaction = async (task, change) => {
      await m.sched.clock.sleep(task, 20);
      return transaction(task, change);
    };
    const unlink = outcome(B.call((c) => fs.unlink(c, '/f')));
    const set = outcome(
      H.call(async (c) => {
        if (laterNs > 0) await m.sched.clock.sleep(c.task, laterNs);
        await file.setDeleg(c, 'F_RDLCK', 3);
      }),
    );
    t.false(await m.blocks(set));
    const granted = (await set) === 'ok';
    const waits = await m.blocks(unlink, 100);
    t.is(waits, nlinkAtGrant === 1, `after ${laterNs} ns`);
    t.deepEqual(H.signals, waits ? ['SIGIO'] : []);
    ways.add(granted ? `granted, ${waits ? 'asked for' : 'after'}` : await set);
    if (granted) await H.call((c) => file.setDeleg(c, 'F_UNLCK', 3));
    t.false(await m.blocks(unlink));
    t.is(await unlink, 'ok');
    mount.transaction = transaction;
    await m.end(t);
  }
  t.deepEqual([...ways].sort(), ['EAGAIN', 'granted, after', 'granted, asked for']);
});

test('while somebody changes the inode nobody gets a delegation: EAGAIN', async (t) => {
  const { m, fs, H, B } = await stage();
  const dir = await H.open(fs, '/d', ['rdonly', 'directory']);
  const { inode } = dir;
  let release = (): void => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const change = B.call(async ({ task }) => {
    using _locked = await lockInodes(task, inode, inode);
    await m.sched.clock.sleep(task, seconds(1));
    release();
  });
  t.true(await m.blocks(change, 1));
  t.is(await outcome(H.call((c) => dir.setDeleg(c, 'F_RDLCK', 3))), 'EAGAIN');
  await m.sched.runFor(seconds(1));
  await held;
  await change;
  t.is(await outcome(H.call((c) => dir.setDeleg(c, 'F_RDLCK', 3))), 'ok');
  await m.end(t);
});

test('an error that is none of a delegation comes out of the first try', async (t) => {
  const { m, B } = await stage();
  let tries = 0;
  const call = B.call((c) =>
    breakingDelegations(c, async () => {
      tries += 1;
      throw Object.assign(new Error('other'), { code: 'EAGAIN' });
    }),
  );
  await t.throwsAsync(call, { message: 'other' });
  t.is(tries, 1);
  t.deepEqual(filesOf(undefined), []);
  await m.end(t);
});
