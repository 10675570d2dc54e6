// Goal: a pNFS client reads and writes a file past the file system, gives the layout back when it
// is recalled, and is fenced before its blocks change hands when it does not.
// Method: whole machines in virtual time; the referee sees every transfer.

import test from 'ava';
import pnfs, {
  BlockTarget,
  type PnfsClient,
  type RecallAnswer,
} from '../../../drivers/pnfs/index.js';
import { complianceSuite } from '../../../lib/driver/compliance.js';
import { isErrno } from '../../../lib/errno.js';
import { bootMachine, type MountOptions } from '../../../lib/machine.js';
import { KiB, MiB, ms, PAGE_SIZE, seconds } from '../../../lib/units.js';
import { endsBalanced } from '../../support/machine.js';

complianceSuite(test, {
  driver: pnfs,
  hardware: () => new BlockTarget(),
  nodes: (name) => [name],
  async exercise({ file, caller }) {
    await file.ioctl(caller, 'SET_RECALL', { answer: 'ignore' });
    await file.ioctl(caller, 'LAYOUTGET', { fd: 3, pos: 0, len: 1, iomode: 'rw' });
  },
});

const len = 64 * KiB;

async function stage(mount: Partial<MountOptions> = {}) {
  const machine = await bootMachine({
    size: 16 * MiB,
    kernel: 'proposed',
    mounts: { '/': { flavor: 'xfs', dax: true, policy: 'recall-fence', ...mount } },
    drivers: [pnfs],
    clock: 'virtual',
    seed: 3,
  });
  const app = machine.spawn('app');
  const fd = await app.open('/data', ['rdwr', 'creat']);
  await app.write(fd, 0, new Uint8Array(len).fill(0x5a));
  const client = (await app.openDevice('pnfs0')) as unknown as PnfsClient;
  return { machine, app, fd, client, admin: machine.spawn('admin') };
}

const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'ok',
    (e: unknown) => {
      if (isErrno(e)) return e.code;
      throw e;
    },
  );

test('what the client writes is in the file, and it reads what the file holds', async (t) => {
  const { machine, app, fd, client } = await stage();
  await using _machine = endsBalanced(t, machine);
  const layout = await client.layoutGet({ fd, pos: 100, len: len - 200, iomode: 'rw' });
  t.deepEqual(layout.extents, [{ pos: 0, len }]);
  await client.write(layout, 4000, Uint8Array.of(1, 2, 3));
  t.deepEqual([...(await app.read(fd, 3999, 5))], [0x5a, 1, 2, 3, 0x5a]);
  await app.write(fd, 8192, Uint8Array.of(7));
  const again = await client.layoutGet({ fd, pos: 0, len, iomode: 'read' });
  t.deepEqual([...(await client.read(again, 8191, 3))], [0x5a, 7, 0x5a]);
  t.is(await code(client.write(again, 0, Uint8Array.of(1))), 'EACCES');
  t.deepEqual(machine.referee.verdict().stray, []);
  await client.close();
});

test('a layout for writing fills holes with zeros; one for reading leaves them out', async (t) => {
  const { machine, app, client } = await stage();
  await using _machine = endsBalanced(t, machine);
  const fd = await app.open('/sparse', ['rdwr', 'creat']);
  await app.ftruncate(fd, 4 * PAGE_SIZE);
  await app.write(fd, PAGE_SIZE, new Uint8Array(PAGE_SIZE).fill(1));
  const read = await client.layoutGet({ fd, pos: 0, len: MiB, iomode: 'read' });
  t.deepEqual(read.extents, [{ pos: PAGE_SIZE, len: PAGE_SIZE }]);
  t.is(await code(client.read(read, 0, 10)), 'EINVAL');
  const rw = await client.layoutGet({ fd, pos: 0, len: MiB, iomode: 'rw' });
  t.is(
    rw.extents.reduce((n, e) => n + e.len, 0),
    4 * PAGE_SIZE,
  );
  t.deepEqual([...(await client.read(rw, PAGE_SIZE - 2, 4))], [0, 0, 1, 1]);
});

interface Row {
  readonly mount: Partial<MountOptions>;
  readonly answer: RecallAnswer;
  readonly tookNs: number;
  readonly fenced: boolean;
}

const rows: Row[] = [
  { mount: {}, answer: 'return', tookNs: 0, fenced: false },
  { mount: {}, answer: { afterNs: seconds(100) }, tookNs: seconds(100), fenced: false },
  { mount: {}, answer: 'ignore', tookNs: seconds(180), fenced: true },
  { mount: { flavor: 'ext4' }, answer: 'ignore', tookNs: seconds(180), fenced: true },
  { mount: { policy: 'linux' }, answer: 'return', tookNs: 0, fenced: false },
  { mount: { policy: 'linux' }, answer: 'ignore', tookNs: seconds(180), fenced: true },
  { mount: { policy: 'orphan' }, answer: 'ignore', tookNs: seconds(180), fenced: true },
];

for (const { mount, answer, tookNs, fenced } of rows) {
  const on = `${mount.flavor ?? 'xfs'}, ${String(mount.policy ?? 'recall-fence')}`;
  const says = JSON.stringify(answer);
  test(`${on}: a client that answers ${says}: truncate takes ${tookNs / 1e9} s`, async (t) => {
    const { machine, app, fd, client, admin } = await stage(mount);
    await using _machine = endsBalanced(t, machine);
    await client.onRecall(answer);
    const layout = await client.layoutGet({ fd, pos: 0, len, iomode: 'rw' });
    await client.start(layout, { pos: 0, len, byte: 0xdd, periodNs: ms(500) });
    const startNs = machine.clock.nowNs;
    const cut = admin.truncate('/data', 0);
    t.true(await machine.sched.runUntil(cut, seconds(600)));
    t.is(machine.clock.nowNs - startNs, tookNs);
    const other = await admin.open('/other', ['rdwr', 'creat']);
    await admin.write(other, 0, new Uint8Array(MiB).fill(0x33));
    await machine.sched.runFor(seconds(5));
    const { conflicts, writes, fenced: is } = await client.counters();
    t.is(is, fenced);
    t.is(conflicts > 0, fenced, 'a fenced client goes on, and the storage refuses it');
    t.true(writes > 0);
    t.deepEqual(new Set(await admin.read(other, 0, MiB)), new Set([0x33]));
    t.deepEqual(machine.referee.verdict().stray, []);
    t.is(
      await code(client.layoutGet({ fd, pos: 0, len, iomode: 'rw' })),
      fenced ? 'EIO' : 'EINVAL',
    );
    await client.close();
    await app.close(fd);
    t.is(machine.mounts.get('/')!.statfs().orphaned, 0);
  });
}

test('the referee sees the client of a storage that does not fence', async (t) => {
  const { machine, fd, client, admin } = await stage();
  await using _machine = endsBalanced(t, machine);
  const target = machine.drivers.device('pnfs0').hardware as BlockTarget;
  target.preempt = () => Promise.resolve();
  await client.onRecall('ignore');
  const layout = await client.layoutGet({ fd, pos: 0, len, iomode: 'rw' });
  await client.start(layout, { pos: 0, len, byte: 0xdd, periodNs: ms(500) });
  t.true(await machine.sched.runUntil(admin.truncate('/data', 0), seconds(600)));
  const other = await admin.open('/other', ['rdwr', 'creat']);
  await admin.write(other, 0, new Uint8Array(MiB).fill(0x33));
  await machine.sched.runFor(seconds(1));
  t.true(machine.referee.verdict().stray.some((s) => s.file === '/other' && s.value === 0xdd));
});

test('an application that is told of the recall may give the layout back itself', async (t) => {
  const { machine, fd, client, admin } = await stage();
  await using _machine = endsBalanced(t, machine);
  await client.onRecall('ignore');
  const { stateid } = await client.layoutGet({ fd, pos: 0, len, iomode: 'rw' });
  const told = client.nextRecall();
  const cut = admin.truncate('/data', PAGE_SIZE);
  t.is(await told, stateid);
  await client.layoutReturn({ stateid });
  await cut;
  t.is(machine.clock.nowNs, 0, 'no time passed');
  t.is(await code(client.write({ stateid }, 0, Uint8Array.of(1))), 'ESTALE');
});

test('two truncates recall a layout once', async (t) => {
  const { machine, fd, client, admin } = await stage();
  await using _machine = endsBalanced(t, machine);
  await client.onRecall({ afterNs: seconds(10) });
  await client.layoutGet({ fd, pos: 0, len, iomode: 'rw' });
  await Promise.all([admin.truncate('/data', 0), machine.spawn('b').truncate('/data', 10)]);
  const recall = client.nextRecall();
  t.true(await machine.sched.runUntil(recall, 0));
  t.false(await machine.sched.runUntil(client.nextRecall(), seconds(1)));
});

test('an unlinked file keeps its blocks while a client has a layout of it', async (t) => {
  const { machine, app, fd, client, admin } = await stage();
  await using _machine = endsBalanced(t, machine);
  const layout = await client.layoutGet({ fd, pos: 0, len, iomode: 'rw' });
  const fs = machine.mounts.get('/')!;
  await app.close(fd);
  await admin.unlink('/data');
  const before = fs.statfs().free;
  await client.write(layout, 0, new Uint8Array(len).fill(1));
  t.deepEqual(machine.referee.verdict().stray, []);
  await client.layoutReturn(layout);
  t.true(fs.statfs().free > before);
});

test('a client that dies with its process gives everything back', async (t) => {
  const { machine, app, fd, client, admin } = await stage();
  await using _machine = endsBalanced(t, machine);
  await client.onRecall('ignore');
  const layout = await client.layoutGet({ fd, pos: 0, len, iomode: 'rw' });
  await client.start(layout, { pos: 0, len, byte: 1, periodNs: ms(1) });
  app.sendSignal('SIGKILL');
  await admin.truncate('/data', 0);
  t.is(machine.clock.nowNs, 0);
  t.deepEqual(machine.referee.verdict().stray, []);
});

test('what cannot have a layout is refused, and nothing is held', async (t) => {
  const { machine, app, fd, client } = await stage({ flavor: 'ext4', policy: 'wait' });
  await using _machine = endsBalanced(t, machine);
  const get = (arg: object) =>
    code(client.layoutGet({ fd, pos: 0, len, iomode: 'rw', ...arg } as never));
  t.is(await get({}), 'EOPNOTSUPP', 'ext4 alone never recalls');
  t.is(await get({ fd: 99 }), 'EBADF');
  t.is(await get({ pos: len }), 'EINVAL');
  t.is(await get({ len: 0 }), 'EINVAL');
  t.is(await get({ iomode: 'w' }), 'EINVAL');
  const readOnly = await app.open('/data', ['rdonly']);
  t.is(await get({ fd: readOnly }), 'EBADF');
  t.is(await code(client.layoutReturn({ stateid: 12 })), 'ESTALE');
  await client.close();
});
