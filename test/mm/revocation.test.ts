// Goal: a long-term pin is taken back once, in time, whoever asks and whatever its holder does
// meanwhile.

import test from 'ava';
import { pinUserPages, type PinnedPages, type PinRequest } from '../../lib/mm/gup.js';
import { revokePins } from '../../lib/mm/revocation.js';
import type { Task } from '../../lib/sched/index.js';
import { ms, posOf, seconds } from '../../lib/units.js';
import { assertBalanced } from '../support/balance.js';
import {
  mapFile,
  memoryMachine,
  type MemoryMachine,
  newProcess,
  originOf,
  TestFile,
} from '../support/mm-fixture.js';

interface Holder {
  readonly pins: PinnedPages;
  readonly calls: string[];
  readonly end: (task: Task) => Promise<void>;
}

type Answer = (pins: PinnedPages, task: Task, calls: string[]) => Promise<void>;

async function register(
  m: MemoryMachine,
  task: Task,
  how: { revoke?: Answer; reset?: Answer },
): Promise<Holder> {
  const process = newProcess(m, 'app');
  const { mm } = process;
  const file = new TestFile(m, 'fsdax', posOf(2));
  const addr = await mapFile(task, mm, file, 2);
  const calls: string[] = [];
  const base = { mm, addr, len: posOf(2), access: 'write', origin: originOf(process) } as const;
  const { revoke, reset } = how;
  let held: PinnedPages | null = null;
  const request: PinRequest =
    revoke === undefined
      ? { ...base, longterm: true, irrevocable: true }
      : {
          ...base,
          longterm: true,
          revoke: (pins, why, worker) => {
            calls.push(`revoke for ${why}`);
            return revoke(pins, worker, calls);
          },
          ...(reset !== undefined && { reset: (w: Task) => reset(held!, w, calls) }),
        };
  held = await pinUserPages(task, m.env, request);
  return {
    pins: held,
    calls,
    end: async (t) => {
      await mm.exitMmap(t);
      file.drop(0);
    },
  };
}

const machine = (seed?: number): MemoryMachine =>
  memoryMachine({ kernel: 'proposed', sched: { mode: 'simulated', seed } });

const rows = [
  {
    what: 'a holder that unpins',
    how: { revoke: async (pins) => pins.unpin() },
    result: 'revoked',
    afterNs: 0,
  },
  {
    what: 'a holder that takes its time',
    how: {
      revoke: async (pins, task) => {
        await task.sched.clock.sleep(task, ms(900));
        pins.unpin();
      },
    },
    result: 'revoked',
    afterNs: ms(900),
  },
  {
    what: 'a holder that is too late, and a device that resets',
    how: {
      revoke: async (pins, task) => {
        await pins.gone.waitEvent(task, () => pins.state === 'GONE', { why: 'reset' });
      },
      reset: async (pins, _task, calls) => {
        calls.push('reset');
        pins.unpin();
      },
    },
    result: 'reset',
    afterNs: seconds(1),
  },
  {
    what: 'a holder that never answers, and no reset',
    how: { revoke: (pins, task) => wedged(pins, task) },
    result: 'hung',
    afterNs: seconds(1),
  },
  {
    what: 'a holder and a reset that never answer',
    how: { revoke: (pins, task) => wedged(pins, task), reset: (pins, task) => wedged(pins, task) },
    result: 'hung',
    afterNs: seconds(2),
  },
  { what: 'an irrevocable pin', how: {}, result: 'hung', afterNs: 0 },
] as const satisfies readonly {
  what: string;
  how: { revoke?: Answer; reset?: Answer };
  result: string;
  afterNs: number;
}[];

/** Wait until somebody else unpins. */
async function wedged(pins: PinnedPages, task: Task): Promise<void> {
  await pins.gone.waitEvent(task, () => pins.state === 'GONE', { why: 'nobody' });
}

for (const { what, how, result, afterNs } of rows) {
  test(`${what}: ${result} after ${afterNs / 1e6} ms`, async (t) => {
    const m = machine();
    await m.run(async (task) => {
      const { pins, calls, end } = await register(m, task, how);
      const began = m.sched.clock.nowNs;
      t.is(await revokePins(task, [pins], 'truncate'), result);
      t.is(m.sched.clock.nowNs - began, afterNs);
      t.true(calls.filter((c) => c === 'revoke for truncate').length <= 1);
      if (result === 'hung') {
        t.is(pins.state, pins.revocable ? 'REVOKING' : 'HELD', 'the pages stay pinned');
        t.is(m.env.pages.pins(pins.pfns[0]!), 1);
        pins.unpin();
      }
      t.is(pins.state, 'GONE');
      await end(task);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  });
}

test('whoever wants the pages too joins; revoke() is called once, in every order', async (t) => {
  for (let seed = 1; seed <= 50; seed++) {
    const m = machine(seed);
    await m.run(async (task) => {
      const { pins, calls, end } = await register(m, task, {
        revoke: async (p, worker) => {
          await worker.sched.clock.sleep(worker, ms(5));
          p.unpin();
        },
      });
      const breakers = [1, 2, 3].map((n) =>
        m.sched.spawn(`breaker ${n}`, (worker) => revokePins(worker, [pins], `truncate ${n}`)),
      );
      for (const breaker of breakers) t.is(await breaker.join(task), 'revoked');
      t.is(calls.length, 1);
      await end(task);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  }
});

test('a holder may deregister while it is revoked: the pages are unpinned once', async (t) => {
  let raced = 0;
  for (let seed = 1; seed <= 100; seed++) {
    const m = machine(seed);
    await m.run(async (task) => {
      const { pins, end } = await register(m, task, {
        revoke: async (p, worker) => {
          await m.sched.at(p.gone.id, 'read');
          if (p.state === 'REVOKING') p.unpin();
          else raced++;
          await worker.sched.clock.sleep(worker, 1);
        },
      });
      const dereg = m.sched.spawn('dereg', async () => {
        await m.sched.at(pins.gone.id, 'read');
        if (pins.state !== 'GONE') pins.unpin();
      });
      t.is(await revokePins(task, [pins], 'truncate'), 'revoked');
      await dereg.join(task);
      await end(task);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  }
  t.true(raced > 0, 'some order had the holder first');
});

test('short pins are left to their holders', async (t) => {
  const m = machine();
  await m.run(async (task) => {
    const process = newProcess(m, 'app');
    const { mm } = process;
    const addr = await mapFile(task, mm, null, 1);
    const pins = await pinUserPages(task, m.env, {
      mm,
      addr,
      len: 1,
      access: 'read',
      longterm: false,
      origin: originOf(process),
    });
    t.is(await revokePins(task, [pins], 'truncate'), 'revoked');
    t.is(pins.state, 'HELD');
    pins.unpin();
    await mm.exitMmap(task);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});
