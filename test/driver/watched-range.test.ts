// Goal: a watched range hears of every change of its pages before it happens, clamped to itself,
// and a fault in it answers what is there.

import test from 'ava';
import type { Device } from '../../lib/driver/device.js';
import { defineDriver } from '../../lib/driver/driver.js';
import { PAGE_SIZE } from '../../lib/units.js';
import { App, driverMachine, pages } from '../support/driver-machine.js';
import { TestFile } from '../support/mm-fixture.js';

function bench() {
  const m = driverMachine();
  let dev: Device | undefined;
  m.core.register(
    defineDriver({
      name: 'toy',
      apiVersion: 1,
      idTable: [{ compatible: 'emul,toy' }],
      probe: (d) => void (dev = d),
    }),
  );
  m.core.addDevice('emul,toy', {});
  return { m, dev: dev! };
}

test('invalidations come clamped, faults answer, and a stale answer is known', async (t) => {
  const { m, dev } = bench();
  await m.run(async (task) => {
    const app = new App(m, task);
    const file = new TestFile(m, 'shmem', pages(4));
    const addr = await app.map(4, file);
    const heard: [number, number][] = [];
    const watch = dev.watchRange(app.caller, {
      addr: addr + 10,
      len: PAGE_SIZE,
      invalidate: (_task, start, end) => void heard.push([start - addr, end - addr]),
    });
    t.deepEqual([watch.start - addr, watch.end - addr], [0, 2 * PAGE_SIZE]);
    const seq = await watch.readBegin(task);
    const range = { start: watch.start, end: watch.end };
    const seen = await dev.faultRange(task, watch, { ...range, write: true });
    t.deepEqual(
      seen.pages.map((p) => p?.pfn),
      [file.page(0), file.page(1)],
    );
    t.false(watch.readRetry(seq));
    await file.cut(task, 1);
    t.deepEqual(heard, [[PAGE_SIZE, 2 * PAGE_SIZE]]);
    t.true(watch.readRetry(seq));
    const look = await dev.faultRange(task, watch, { ...range, write: false, fault: false });
    t.deepEqual(
      look.pages.map((p) => p?.pfn),
      [file.page(0), undefined],
    );
    await t.throwsAsync(() => dev.faultRange(task, watch, { ...range, write: false }), {
      message: /^EFAULT/,
    });
    await watch.close(task);
    t.deepEqual(m.core.device('toy0').leaks(), []);
    await t.throwsAsync(() => watch.close(task), { message: /closed twice/ });
  });
});

test('a range of nothing, or past the end of numbers, is EINVAL', async (t) => {
  const { m, dev } = bench();
  await m.run((task) => {
    const app = new App(m, task);
    const invalidate = (): void => {};
    for (const [addr, len] of [
      [0, 0],
      [-1, 4096],
      [Number.MAX_SAFE_INTEGER, 4096],
      [NaN, 1],
    ] as const) {
      t.throws(() => dev.watchRange(app.caller, { addr, len, invalidate }), { message: /^EINVAL/ });
    }
    t.deepEqual(m.core.device('toy0').leaks(), []);
    return Promise.resolve();
  });
});
