// Small random programs of tasks that read and write shared cells, lock, wait and wake: what the
// searches are held against each other on.

import { Mutex, Prng, WaitQueue } from '../../lib/sched/index.js';
import { scenario, type Scenario } from '../../lib/explore/index.js';

type Op =
  | { readonly do: 'add' | 'copy'; readonly cell: number; readonly from: number }
  | { readonly do: 'locked'; readonly lock: number; readonly cell: number }
  | { readonly do: 'wait' | 'wake'; readonly queue: number }
  | { readonly do: 'spawn'; readonly cell: number };

const NR_CELLS = 3;
const kinds = ['add', 'add', 'copy', 'copy', 'locked', 'wait', 'wake', 'spawn'] as const;

function randomOp(prng: Prng): Op {
  const kind = kinds[prng.below(kinds.length)]!;
  const cell = prng.below(NR_CELLS);
  if (kind === 'locked') return { do: kind, lock: prng.below(2), cell };
  if (kind === 'wait' || kind === 'wake') return { do: kind, queue: 0 };
  if (kind === 'spawn') return { do: kind, cell };
  return { do: kind, cell, from: prng.below(NR_CELLS) };
}

/** The same number, the same program. Two or three tasks of two or three operations. */
export function randomProgram(seed: number): Scenario {
  const prng = new Prng(seed);
  const tasks = Array.from({ length: 2 + prng.below(2) }, () =>
    Array.from({ length: 2 + prng.below(2) }, () => randomOp(prng)),
  );
  const name = `program-${seed}`;
  return scenario(name, name, (race) => {
    const { sched } = race;
    const cells = Array.from({ length: NR_CELLS }, (_, i) => i + 1);
    const ids = cells.map((_, i) => race.object(`cell ${i}`));
    const locks = [0, 1].map(
      (i) => new Mutex(sched, `lock ${i}`, { lockClass: { name: `l${i}` } }),
    );
    const queue = new WaitQueue(sched, 'queue');
    let woken = 0;
    const log: string[] = [];
    tasks.forEach((ops, nr) => {
      race.task(`t${nr}`, async (task) => {
        for (const op of ops) {
          switch (op.do) {
            case 'add':
              await sched.at(ids[op.cell]!, 'write');
              cells[op.cell]! += nr + 1;
              break;
            case 'copy': {
              await sched.at(ids[op.from]!, 'read');
              const value = cells[op.from]!;
              await sched.at(ids[op.cell]!, 'write');
              cells[op.cell] = value * 2;
              break;
            }
            case 'locked': {
              const lock = locks[op.lock]!;
              await lock.lock(task);
              await sched.at(ids[op.cell]!, 'write');
              cells[op.cell]! *= 3;
              lock.unlock(task);
              break;
            }
            case 'wait':
              await sched.at(queue.id, 'write');
              await queue.waitEvent(task, () => woken > 0, { why: 'a wake-up' });
              break;
            case 'wake':
              await sched.at(queue.id, 'write');
              woken++;
              queue.wakeAll();
              break;
            case 'spawn':
              sched.spawn(`child of t${nr}`, async () => {
                await sched.at(ids[op.cell]!, 'write');
                cells[op.cell]! += 10;
              });
              break;
          }
        }
        log.push(`t${nr}`);
      });
    });
    race.outcome(() => cells.join());
  });
}
