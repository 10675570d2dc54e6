// Goal: revoke() is not called before the call that pinned has returned, and at most once; whoever
// pins is named.

import test from 'ava';
import { defineDriver } from '../../lib/driver/driver.js';
import type { FileOperations } from '../../lib/driver/file-operations.js';
import type { PinnedPages } from '../../lib/mm/gup.js';
import { revokePins } from '../../lib/mm/revocation.js';
import { ms, PAGE_SIZE } from '../../lib/units.js';
import { assertBalanced } from '../support/balance.js';
import { App, driverMachine } from '../support/driver-machine.js';

type PinTable = { PIN: { arg: { addr: number; stayNs: number }; ret: void } };

function bench(how: 'revocable' | 'irrevocable') {
  const m = driverMachine();
  const log: string[] = [];
  const held: PinnedPages[] = [];
  m.core.register(
    defineDriver({
      name: 'toy',
      apiVersion: 1,
      idTable: [{ compatible: 'emul,toy' }],
      probe(dev) {
        const fops: FileOperations<object, PinTable> = {
          ioctls: {
            async PIN(_h, arg, caller) {
              const range = {
                addr: arg.addr,
                len: PAGE_SIZE,
                access: 'write',
                longterm: true,
              } as const;
              const revoke = (pins: PinnedPages, why: string): Promise<void> => {
                log.push(`revoke: ${why}`);
                pins.unpin();
                return Promise.resolve();
              };
              held.push(
                await dev.pinUserPages(
                  caller,
                  how === 'revocable' ? { ...range, revoke } : { ...range, irrevocable: true },
                ),
              );
              await dev.sched.clock.sleep(caller.task, arg.stayNs);
              log.push('returned');
            },
          },
          open: () => ({}),
          release() {},
        };
        dev.addNode('toy0', fops);
      },
      remove() {
        for (const pins of held) if (pins.state !== 'GONE') pins.unpin();
      },
    }),
  );
  m.core.addDevice('emul,toy', {});
  return { m, log, held };
}

test('revoke waits for the entry point that took the pin, and runs once', async (t) => {
  const { m, log, held } = bench('revocable');
  await m.run(async (task) => {
    const app = new App(m, task);
    const addr = await app.map(1);
    const file = await app.openNode('toy0');
    const pinner = app.thread('pinner', (other) =>
      file.ioctl(other.caller, 'PIN', { addr, stayNs: ms(10) }),
    );
    await m.sched.clock.sleep(task, ms(1));
    t.is(held.length, 1);
    t.is(held[0]!.origin.deviceFile, '/dev/toy0');
    t.is(held[0]!.origin.process, app.process);
    const breakers = [1, 2].map((i) =>
      app.thread(`breaker ${i}`, (other) => revokePins(other.task, held, 'truncate')),
    );
    for (const breaker of breakers) t.is(await breaker.join(task), 'revoked');
    t.is(m.sched.clock.nowNs, ms(10));
    await pinner.join(task);
    t.deepEqual(log, ['returned', 'revoke: truncate']);
    await app.close(file);
    await app.exit();
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('unbinding revokes what is still pinned', async (t) => {
  const { m, log } = bench('revocable');
  await m.run(async (task) => {
    const app = new App(m, task);
    const addr = await app.map(1);
    const file = await app.openNode('toy0');
    await file.ioctl(app.caller, 'PIN', { addr, stayNs: 0 });
    t.deepEqual(await m.core.unbind(task, 'toy0'), []);
    t.deepEqual(log, ['returned', 'revoke: unbind']);
    await app.exit();
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('an irrevocable pin stays until the driver gives it back', async (t) => {
  const { m, held } = bench('irrevocable');
  await m.run(async (task) => {
    const app = new App(m, task);
    const addr = await app.map(1);
    const file = await app.openNode('toy0');
    await file.ioctl(app.caller, 'PIN', { addr, stayNs: 0 });
    t.is(await revokePins(task, held, 'truncate'), 'hung');
    t.is(held[0]!.state, 'HELD');
    t.deepEqual(await m.core.unbind(task, 'toy0'), []);
    await app.exit();
  });
  assertBalanced(t, m.env, { mms: m.mms });
});
