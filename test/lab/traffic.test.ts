// Goal: traffic goes on for as long as it arrives, stops when it is told to fail, and stops at once
// when the holder has let go; a peer that insists goes on.

import test from 'ava';
import { behaviours } from '../../lib/lab/behaviour.js';
import type { Holder } from '../../lib/lab/holder.js';
import { Traffic } from '../../lib/lab/traffic.js';
import { Errno } from '../../lib/errno.js';
import { onStage } from './play-fixture.js';

const pausesNs = [0, 10, 10, 10, 10];

/** What came of the transfers if each of them goes as pulse says. */
const sent = (
  pulse: () => Promise<boolean>,
  over: { insists?: boolean; letGoAfter?: number } = {},
): Promise<{ done: number; failed: number; reconnects: number }> =>
  onStage({ policy: 'wait' }, async ({ play, machine, run }) => {
    const traffic = new Traffic(play.scene, pausesNs);
    let reconnects = 0;
    const behaviour = behaviours[over.insists === true ? 'revoked-key' : 'ignores'];
    const holder = {
      behaviour,
      process: play.holders[0]!.process,
      running: { pulse, reconnect: async () => void reconnects++ },
      get hasLetGo() {
        return traffic.done + traffic.failed >= (over.letGoAfter ?? Infinity);
      },
    } as unknown as Holder;
    traffic.start(holder);
    await run((task) => machine.clock.sleep(task, 1_000));
    const { done, failed } = traffic;
    return { done, failed, reconnects };
  });

test('each pause ends in a transfer', async (t) => {
  t.deepEqual(await sent(async () => true), { done: 5, failed: 0, reconnects: 0 });
});

test('who checks what it is told stops after two failures', async (t) => {
  t.like(await sent(async () => false), { done: 0, failed: 2 });
  t.like(await sent(() => Promise.reject(new Errno('EIO', 'write: gone'))), { failed: 2 });
});

test('a peer that insists connects anew after each failure', async (t) => {
  t.deepEqual(await sent(async () => false, { insists: true }), {
    done: 0,
    failed: 5,
    reconnects: 5,
  });
});

test('nothing is sent for a holder that has let go', async (t) => {
  t.like(await sent(async () => true, { letGoAfter: 2 }), { done: 2, failed: 0 });
});
