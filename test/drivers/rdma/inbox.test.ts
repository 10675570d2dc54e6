// Goal: messages of one queue pair are carried out in the order in which they came, one at a time.

import test from 'ava';
import type { Hca } from '../../../drivers/rdma/hca.js';
import { Inbox } from '../../../drivers/rdma/inbox.js';
import type { WireRequest } from '../../../drivers/rdma/wire.js';
import { Scheduler, type Task } from '../../../lib/sched/index.js';
import { us } from '../../../lib/units.js';

test('one after the other, under any schedule, and later ones as well', async (t) => {
  for (let seed = 1; seed <= 20; seed++) {
    const sched = new Scheduler({ mode: 'simulated', seed });
    const log: string[] = [];
    let inside = 0;
    const deliver = async (task: Task, { seq }: WireRequest) => {
      t.is(++inside, 1);
      await sched.clock.sleep(task, us(5 - seq));
      inside--;
      return seq === 2 ? null : { syndrome: 'ACK' as const };
    };
    const inbox = new Inbox({ sched, deliver } as unknown as Hca);
    const push = (seq: number): void =>
      inbox.push({ seq, destQPN: 17 } as WireRequest, (_task, answer) =>
        Promise.resolve(void log.push(`${seq} ${answer?.syndrome ?? 'nothing'}`)),
      );
    await sched.run('test', async (task) => {
      for (const seq of [1, 2, 3]) push(seq);
      await sched.clock.sleep(task, us(100));
      push(4);
      await sched.clock.sleep(task, us(100));
    });
    t.deepEqual(log, ['1 ACK', '2 nothing', '3 ACK', '4 ACK']);
  }
});
