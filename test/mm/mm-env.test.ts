// Goal: a machine's memory is RAM, perhaps pmem, and the rules and hooks it was given.

import test from 'ava';
import { kernelRules } from '../../lib/kernel-rules.js';
import { newMMEnv } from '../../lib/mm/mm-env.js';
import { Scheduler } from '../../lib/sched/index.js';
import { isErrno, Errno } from '../../lib/errno.js';
import { gup } from '../../lib/mm/gup.js';
import { posOf } from '../../lib/units.js';
import { assertBalanced } from '../support/balance.js';
import {
  mapFile,
  memoryMachine,
  memoryRegion,
  newProcess,
  TestFile,
} from '../support/mm-fixture.js';
import type { PinIntent } from '../../lib/mm/mm-env.js';

test('RAM alone makes a machine', (t) => {
  const env = newMMEnv(new Scheduler({ mode: 'live' }), kernelRules['6.1'], {
    ram: memoryRegion(8),
  });
  t.is(env.allocator.nrFree, 7);
  t.is(env.pages.regions.length, 1);
});

test('a policy is asked once per file mapping, after VM_IO', async (t) => {
  for (const sched of [{ mode: 'live' }, { mode: 'simulated' }] as const) {
    for (const longterm of [false, true]) {
      const asked: PinIntent[] = [];
      let refuse = false;
      const admitPin = (intent: PinIntent): void => {
        asked.push(intent);
        if (refuse) throw new Errno('EPERM', 'no lease');
      };
      const m = memoryMachine({ kernel: 'proposed', sched, admitPin });
      const { mm, ...process } = newProcess(m, 'app');
      const file = new TestFile(m, 'fsdax', posOf(4));
      await m.run(async (task) => {
        await mapFile(task, mm, file, 2);
        const anon = await mapFile(task, mm, null, 1, { share: 'private' });
        const addr = await mapFile(task, mm, file, 2, { pgoff: 2 });
        t.is(anon, addr + posOf(2));
        const out = new Uint32Array(5);
        const flags = { write: true, longterm, kind: 'pin' } as const;
        t.is(await gup(task, mm, addr + posOf(1), 4, flags, out), 4);
        t.deepEqual(
          asked.map((i) => [i.pgoff, i.nrPages, i.longterm, i.write, i.process?.pid]),
          [
            [3, 1, longterm, true, process.pid],
            [0, 2, longterm, true, process.pid],
          ],
        );
        m.env.pages.unpinPages(out, 0, 4);
        refuse = true;
        const refused = await t.throwsAsync(gup(task, mm, addr, 1, flags, out));
        t.true(isErrno(refused, 'EPERM'));
        mm.vmaAt(addr)!.flags.io = true;
        asked.length = 0;
        t.true(isErrno(await t.throwsAsync(gup(task, mm, addr, 1, flags, out)), 'EFAULT'));
        t.is(asked.length, 0);
        await mm.exitMmap(task);
        file.drop(0);
      });
      assertBalanced(t, m.env, { mms: m.mms });
    }
  }
});

test('a policy overrides the kernel on long-term pins of DAX', async (t) => {
  const rows = [
    { kernel: '6.1', says: 'allow', answer: 'ok' },
    { kernel: '6.1', says: undefined, answer: 'EOPNOTSUPP' },
    { kernel: 'proposed', says: 'EOPNOTSUPP', answer: 'EOPNOTSUPP' },
    { kernel: '7.2', says: 'lease', answer: 'ok' },
  ] as const;
  for (const { kernel, says, answer } of rows) {
    const m = memoryMachine({ kernel, longtermFsdax: () => says });
    const { mm } = newProcess(m, 'app');
    const file = new TestFile(m, 'fsdax', posOf(1));
    await m.run(async (task) => {
      const addr = await mapFile(task, mm, file, 1);
      const out = new Uint32Array(1);
      const flags = { write: true, longterm: true, kind: 'pin' } as const;
      const got = await gup(task, mm, addr, 1, flags, out).then(
        () => 'ok',
        (e: unknown) => (isErrno(e) ? e.code : String(e)),
      );
      t.is(got, answer);
      if (got === 'ok') m.env.pages.unpinPages(out, 0, 1);
      await mm.exitMmap(task);
      file.drop(0);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  }
});
