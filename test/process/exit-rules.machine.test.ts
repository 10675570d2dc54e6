// Goal: exit of a whole process is that of facts 8, each item of it. Method: a machine with a real
// registration and real leases; the tracepoints say what went first.

import test from 'ava';
import type { KernelName } from '../../lib/kernel-rules.js';
import type { Machine, Process } from '../../lib/machine.js';
import { TraceRecorder } from '../../lib/trace/index.js';
import { answer, makeFile, onMachine } from '../support/machine.js';

const len = 8192;

/** Open a file that nobody else has open, with a lease on it. */
async function leased(app: Process, path: string): Promise<number> {
  const fd = await app.open(path, ['rdwr']);
  await app.setLease(fd, 'F_WRLCK');
  return fd;
}

async function register(app: Process, fd: number) {
  const addr = await app.mmap({ fd, len });
  return async () => {
    const verbs = await app.openDevice('rdma0');
    const pd = await verbs.allocPD();
    await verbs.regMR(pd, addr, len, ['remote_read']);
  };
}

/** What went in which order: `pin` for each unpin, the file's label for each lease. */
async function endsOf(machine: Machine, app: Process): Promise<string[]> {
  using trace = new TraceRecorder(machine.sched, { names: ['gup_unpin', 'lease'] });
  app.sendSignal('SIGKILL');
  await machine.sched.runUntil(app.ended, 1);
  return trace.events
    .filter(({ name, phase }) => name === 'gup_unpin' || phase === 'end')
    .map(({ name }) => (name === 'gup_unpin' ? 'pin' : 'lease'));
}

for (const kernel of ['6.1', '6.12', '7.2', 'proposed'] satisfies KernelName[]) {
  test(`${kernel}: data file opened before the device: the pin goes, then the lease (facts 8 a)`, async (t) => {
    await onMachine(t, { kernel }, async (machine) => {
      const app = machine.spawn('app');
      await makeFile(app, '/cache/data', len);
      const fd = await leased(app, '/cache/data');
      await (
        await register(app, fd)
      )();
      t.deepEqual(
        [...app.fds.entries()].map(([, file]) => file.label),
        ['/data', '/dev/rdma0'],
      );
      t.deepEqual(await endsOf(machine, app), ['pin', 'lease']);
    });
  });

  test(`${kernel}: a file opened after the device loses its lease while it is pinned (facts 8 b)`, async (t) => {
    await onMachine(t, { kernel }, async (machine) => {
      const app = machine.spawn('app');
      await makeFile(app, '/cache/data', len);
      const verbs = await app.openDevice('rdma0');
      const pd = await verbs.allocPD();
      const fd = await leased(app, '/cache/data');
      const addr = await app.mmap({ fd, len });
      await verbs.regMR(pd, addr, len, ['remote_read']);
      t.deepEqual(
        [...app.fds.entries()].map(([, file]) => file.label),
        ['/dev/rdma0', '/data'],
      );
      t.deepEqual(await endsOf(machine, app), ['lease', 'pin']);
    });
  });
}

test('signals reach nobody once exit has begun, and a ring is let go of after the files (facts 8.1)', async (t) => {
  await onMachine(t, {}, async (machine) => {
    const app = machine.spawn('app');
    const taken: string[] = [];
    app.on('SIGUSR1', () => void taken.push('SIGUSR1'));
    const addr = await app.mmap({ len, share: 'private' });
    await app.uringRegister(addr, len);
    const fd = await app.open('/f', ['rdwr', 'creat']);
    await app.setLease(fd, 'F_WRLCK');
    // A lease that ends at exit is a moment at which memory is gone and files are not yet.
    const breaker = machine.spawn('breaker');
    const breaking = breaker.open('/f', ['rdwr']);
    breaking.catch(() => {});
    app.on('SIGIO', () => {});
    t.is(await answer(machine, breaking), 'waits');
    app.takeSignals();
    using trace = new TraceRecorder(machine.sched, { names: ['lease', 'gup_unpin'] });
    app.sendSignal('SIGKILL');
    t.true(app.fatalSignalPending);
    app.sendSignal('SIGUSR1');
    await machine.sched.runUntil(app.ended, 1);
    app.sendSignal('SIGUSR1');
    await machine.sched.settle();
    t.deepEqual(taken, [], 'exit_signals');
    t.deepEqual(app.pendingSignals(), []);
    const order = trace.events.map(({ name }) => name);
    t.deepEqual([order[0], order.at(-1)], ['lease', 'gup_unpin'], 'io_ring_exit_work comes last');
    t.is(machine.mm.pinTable.size, 0);
  });
});

test('notifiers go before anything is unmapped, files after that (facts 8.2)', async (t) => {
  await onMachine(t, {}, async (machine) => {
    const app = machine.spawn('app');
    const addr = await app.mmap({ len, share: 'private' });
    const verbs = await app.openDevice('rdma0');
    const pd = await verbs.allocPD();
    await verbs.regMR(pd, addr, len, ['local_write', 'on_demand']);
    await app.store(addr, new Uint8Array(len));
    const fd = await app.open('/f', ['rdwr', 'creat']);
    await app.setLease(fd, 'F_WRLCK');
    using trace = new TraceRecorder(machine.sched, { names: ['mmu_notifier_invalidate', 'lease'] });
    app.sendSignal('SIGKILL');
    await machine.sched.runUntil(app.ended, 1);
    const order = trace.events.map(({ name }) => name);
    t.is(order[0], 'mmu_notifier_invalidate');
    t.is(order.at(-1), 'lease');
  });
});

test('files go from the highest descriptor down, then those that were only mapped (facts 8.3, 8.4)', async (t) => {
  await onMachine(t, {}, async (machine) => {
    const app = machine.spawn('app');
    for (const name of ['m', 'f0', 'f1', 'f2']) await makeFile(app, `/${name}`, len);
    const mapped = await leased(app, '/m');
    await app.mmap({ fd: mapped, len });
    using trace = new TraceRecorder(machine.sched, { names: ['lease'] });
    await app.close(mapped);
    t.is(trace.events.length, 0, 'close(2) leaves the lease of a mapped file');
    for (const name of ['f0', 'f1', 'f2']) await leased(app, `/${name}`);
    const began = trace.events.map(({ key, args }) => [key, args['inode']]);
    t.is(began.length, 3);
    app.sendSignal('SIGKILL');
    await machine.sched.runUntil(app.ended, 1);
    const ended = trace.events.filter(({ phase }) => phase === 'end').map(({ key }) => key);
    t.deepEqual(ended.slice(0, 3), began.map(([key]) => key).reverse());
    t.is(ended.length, 4, 'the mapped one is the last');
  });
});

test('a lease that exit removes lets its breakers go on (facts 8.5)', async (t) => {
  await onMachine(t, {}, async (machine) => {
    const app = machine.spawn('app');
    const other = machine.spawn('other');
    app.on('SIGIO', () => {});
    await makeFile(app, '/f');
    await leased(app, '/f');
    const breaking = other.open('/f', ['rdwr']);
    t.is(await answer(machine, breaking), 'waits');
    app.sendSignal('SIGKILL');
    t.is(await answer(machine, breaking), 'ok');
  });
});

test('the device destroys what was made on it newest first (facts 8: uverbs_destroy_ufile_hw)', async (t) => {
  await onMachine(t, {}, async (machine) => {
    const app = machine.spawn('app');
    const verbs = await app.openDevice('rdma0');
    const pd = await verbs.allocPD();
    const addr = await app.mmap({ len: 4 * len, share: 'private' });
    for (const nrPages of [1, 2, 3]) await verbs.regMR(pd, addr, nrPages * 4096);
    using trace = new TraceRecorder(machine.sched, { names: ['gup_unpin'] });
    app.sendSignal('SIGKILL');
    await machine.sched.runUntil(app.ended, 1);
    t.deepEqual(
      trace.events.map(({ args }) => args['nrPages']),
      [3, 2, 1],
    );
  });
});

test('a descriptor passed on keeps registration and lease alive beyond the process (facts 8)', async (t) => {
  await onMachine(t, {}, async (machine) => {
    const [app, heir, breaker] = ['app', 'heir', 'breaker'].map((name) => machine.spawn(name));
    await makeFile(app!, '/f');
    const fd = await leased(app!, '/f');
    const verbs = await app!.openDevice('rdma0');
    const pd = await verbs.allocPD();
    const addr = await app!.mmap({ len, share: 'private' });
    await verbs.regMR(pd, addr, len);
    const device = [...app!.fds.entries()].find(([, file]) => file.label === '/dev/rdma0')![0];
    const [keptLease, keptDevice] = [
      await app!.sendFd(heir!, fd),
      await app!.sendFd(heir!, device),
    ];
    app!.sendSignal('SIGKILL');
    await machine.sched.runUntil(app!.ended, 1);
    t.is(machine.mm.pinTable.size, 1, 'the pages of a dead mm are pinned still');
    t.is(await heir!.getLease(keptLease), 'F_WRLCK');
    const breaking = breaker!.open('/f', ['rdwr']);
    t.is(await answer(machine, breaking), 'waits');
    t.is(heir!.waitStatus(), 'running', 'SIGIO went to who set the lease, not to who has it now');
    await heir!.close(keptLease);
    t.is(await answer(machine, breaking), 'ok');
    await heir!.close(keptDevice);
    t.is(machine.mm.pinTable.size, 0);
    t.is(app!.mm.pinnedVm, 0, 'the account of the dead mm');
  });
});

test('close(2) of the last descriptor releases before it returns (facts 8: __fput_sync)', async (t) => {
  for (const kernel of ['6.1', '7.2'] satisfies KernelName[]) {
    await onMachine(t, { kernel }, async (machine) => {
      const app = machine.spawn('app');
      const verbs = await app.openDevice('rdma0');
      const pd = await verbs.allocPD();
      const addr = await app.mmap({ len, share: 'private' });
      await verbs.regMR(pd, addr, len);
      await verbs.close();
      t.is(machine.mm.pinTable.size, 0);
    });
  }
});
