// Goal: it is told what was over first, the lease or the pins, and when the last pin went.

import test from 'ava';
import { LeaseWatch, pinsOfFiles } from '../../lib/lab/lease-watch.js';
import { onStage } from './play-fixture.js';

const leased = { policy: 'lease-break', behaviour: 'cooperates' } as const;

test('pins that go before the lease are first, and it is known when', async (t) => {
  await onStage(leased, async ({ play, machine, run }) => {
    const watch = new LeaseWatch(machine);
    const [holder] = play.holders;
    t.is(pinsOfFiles(machine), 1);
    watch.begin();
    t.is(watch.unpinnedNs, null);
    await run((task) => machine.clock.sleep(task, 5_000));
    await run((task) => holder!.running!.release(task));
    t.is(pinsOfFiles(machine), 0);
    t.is(watch.unpinnedNs, 5_000);
    t.is(watch.first, null, 'no lease has ended yet');
    await run(() => holder!.process.setLease(holder!.fd, 'F_UNLCK'));
    t.is(watch.first, 'pins');
    watch.stop();
  });
});

test('a lease that is given up under pins is first', async (t) => {
  await onStage(leased, async ({ play, machine, run }) => {
    const watch = new LeaseWatch(machine);
    const [holder] = play.holders;
    await run(() => holder!.process.setLease(holder!.fd, 'F_UNLCK'));
    await run((task) => holder!.running!.release(task));
    t.is(watch.first, 'lease');
    watch.stop();
  });
});

test('who pins nothing of a file has no last unpin', async (t) => {
  await onStage({ policy: 'wait', driver: 'rdma-on-demand' }, async ({ play, machine, run }) => {
    const watch = new LeaseWatch(machine);
    await run((task) => play.holders[0]!.running!.release(task));
    t.is(watch.unpinnedNs, null);
    watch.stop();
  });
});
