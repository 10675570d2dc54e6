// Goal: a pipe holds the pages themselves: it shows what they hold now, and gives each back once.

import test from 'ava';
import { Pipe } from '../../lib/fs/pipe.js';
import { bytesOf, FsMachine, outcome, PAGES, runs } from './fs-fixture.js';

async function withMemory(nrPages: number) {
  const m = new FsMachine();
  const app = m.process();
  const addr = await app.mmap(null, PAGES(nrPages));
  await app.store(addr, bytesOf('a', PAGES(nrPages)));
  const pipe = new Pipe(m.mm);
  const splice = (pos: number, len: number, nonblock = false): Promise<number> =>
    app.call(({ task }) => pipe.vmsplice(task, app.mm, addr + pos, len, nonblock));
  const read = async (len: number): Promise<string> => {
    const target = new Uint8Array(len);
    const got = await app.call(({ task }) => pipe.read(task, target, true));
    return runs(target.subarray(0, got));
  };
  return { m, app, addr, pipe, splice, read };
}

test('what is stored after the splice is what the reader gets', async (t) => {
  const { m, app, addr, splice, read } = await withMemory(3);
  t.is(await splice(100, PAGES(2)), PAGES(2));
  await app.store(addr, bytesOf('b', PAGES(3)));
  t.is(await read(PAGES(3)), `62*${PAGES(2)}`);
  t.is(await outcome(read(1)), 'EAGAIN');
  await m.end(t);
});

test('sixteen pages fit; then counts are short, and a full pipe waits or refuses', async (t) => {
  const { m, splice, read } = await withMemory(20);
  t.is(await splice(0, PAGES(20)), PAGES(16));
  t.is(await outcome(splice(0, PAGES(1), true)), 'EAGAIN');
  const waiting = splice(PAGES(16), PAGES(4));
  t.true(await m.blocks(waiting));
  t.is(await read(PAGES(2)), `61*${PAGES(2)}`);
  t.false(await m.blocks(waiting));
  t.is(await waiting, PAGES(2), 'as many as there was room for');
  t.is(await read(PAGES(16)), `61*${PAGES(16)}`);
  await m.end(t);
});

test('an unaligned range of sixteen pages takes seventeen slots and comes short', async (t) => {
  const { m, splice, read } = await withMemory(20);
  t.is(await splice(1, PAGES(16)), PAGES(16) - 1);
  t.is(await read(PAGES(20)), `61*${PAGES(16) - 1}`);
  await m.end(t);
});

test('a range that runs out of the mapping is spliced as far as it goes, or EFAULT', async (t) => {
  const { m, app, addr, splice, read } = await withMemory(4);
  await app.munmap(addr + PAGES(2), PAGES(2));
  t.is(await splice(PAGES(1), PAGES(3)), PAGES(1));
  t.is(await outcome(splice(PAGES(2), PAGES(1))), 'EFAULT');
  t.is(await read(PAGES(4)), `61*${PAGES(1)}`);
  await m.end(t);
});

test('pages are given back when they are read, and all of them when both ends close', async (t) => {
  const { m, app, addr, pipe, splice, read } = await withMemory(4);
  await splice(0, PAGES(4));
  const pfns = [...pipe.pfns];
  t.deepEqual(
    pfns.map((pfn) => m.mm.pages.refs(pfn)),
    [1, 1, 1, 1],
  );
  await read(PAGES(1) + 10);
  t.deepEqual(
    pfns.map((pfn) => m.mm.pages.refs(pfn)),
    [0, 1, 1, 1],
  );
  await app.munmap(addr, PAGES(4));
  await app.call(async () => pipe.closeEnd('write'));
  t.is(m.mm.pages.refs(pfns[3]!), 1);
  await app.call(async () => pipe.closeEnd('read'));
  t.deepEqual(
    pfns.map((pfn) => m.mm.pages.refs(pfn)),
    [0, 0, 0, 0],
  );
  await m.end(t);
});

test('bytes written are the pipe’s own; no reader is EPIPE, no writer the end', async (t) => {
  const { m, app, pipe, read } = await withMemory(1);
  const free = m.mm.allocator.nrFree;
  const write = (text: string) =>
    app.call(({ task }) => pipe.write(task, new TextEncoder().encode(text), true));
  t.is(await write('xyz'), 3);
  t.is(m.mm.allocator.nrFree, free - 1);
  t.is(await read(9), '78*1,79*1,7a*1');
  t.is(m.mm.allocator.nrFree, free);
  await app.call(async () => pipe.closeEnd('write'));
  t.is(await read(9), 'empty');
  pipe.openEnd('write');
  await app.call(async () => pipe.closeEnd('read'));
  t.is(await outcome(write('x')), 'EPIPE');
  await app.call(async () => pipe.closeEnd('write'));
  await m.end(t);
});

test('a reader waits for bytes and a signal ends that wait', async (t) => {
  const { m, app, pipe, splice } = await withMemory(1);
  const target = new Uint8Array(8);
  const reading = app.call(({ task }) => pipe.read(task, target));
  t.true(await m.blocks(reading));
  await splice(0, 8);
  t.is(await reading, 8);
  let task_: { interrupt(kind: 'signal'): void } | null = null;
  const again = app.call(
    ({ task }) => pipe.read(task, target),
    (task) => (task_ = task),
  );
  t.true(await m.blocks(again));
  task_!.interrupt('signal');
  t.is(await outcome(again), 'EINTR');
  await m.end(t);
});
