// Goal: cells that pin share the time, the others have a tenth; nobody gets more than was asked
// for, and nobody less than two. Method: a clock of the test's own, and costs that it says.

import test from 'ava';
import { Budget } from '../../lib/lab/budget.js';
import { cellOf } from './play-fixture.js';
import { verdict } from './verdict-fixture.js';

const cells = Array.from({ length: 100 }, () => cellOf({}));

function budget(seconds: number, at: { now: number }, of = cells): Budget {
  const elapsed = (): number => at.now;
  return new Budget(of, { schedules: 200, live: false, seconds, elapsed, processes: 1 });
}

/** Cells that have had theirs at that cost; each takes no time but that. */
function spend(b: Budget, at: { now: number }, n: number, secondsEach: number): number[] {
  return Array.from({ length: n }, (_, index) => {
    const schedules = b.schedulesFor(index);
    at.now += schedules * secondsEach;
    b.spent(index, verdict({ schedules }), schedules * secondsEach);
    return schedules;
  });
}

test('without a limit each has what was asked for, and a tenth where nothing is pinned', (t) => {
  const b = budget(Infinity, { now: 0 });
  t.is(b.schedulesFor(0), 200);
  const odp = budget(Infinity, { now: 0 }, [cellOf({ driver: 'rdma-on-demand' })]);
  t.is(odp.schedulesFor(0), 20);
});

test('the first cells tell the cost, and have few', (t) => {
  t.is(budget(1000, { now: 0 }).schedulesFor(0), 20);
});

test('with time enough the later ones have all', (t) => {
  const at = { now: 0 };
  t.is(spend(budget(1000, at), at, 10, 0.001).at(-1), 200);
});

test('with little time it is shared, and not overrun by much', (t) => {
  const at = { now: 0 };
  const had = spend(budget(10, at), at, 100, 0.002);
  t.true(
    had.slice(10).every((n) => n >= 25 && n <= 70),
    String(had),
  );
  t.true(at.now <= 11, String(at.now));
});

test('who comes when the time is up has two', (t) => {
  const at = { now: 0 };
  const b = budget(1, at);
  spend(b, at, 10, 0.1);
  t.is(b.schedulesFor(50), 2);
});

test('stages, refusals and two kinds of drivers: all have alike, and it is over in time', (t) => {
  const drivers = ['rdma-pinned', 'v4l2-userptr'] as const;
  const mixed = Array.from({ length: 600 }, (_, i) => cellOf({ driver: drivers[i % 2]! }));
  const at = { now: 0 };
  const b = budget(60, at, mixed);
  const had: number[] = [];
  for (const [index, { driver }] of mixed.entries()) {
    const given = b.schedulesFor(index);
    const refused = Math.floor(index / 60) % 3 === 2; // a policy that lets nobody in, now and then
    const schedules = refused ? 1 : given;
    const seconds = 0.02 + schedules * (driver === 'rdma-pinned' ? 0.001 : 0.002);
    at.now += seconds;
    b.spent(index, verdict({ schedules }), seconds);
    if (!refused && index > 180) had.push(schedules);
  }
  t.true(at.now > 50 && at.now < 62, String(at.now));
  t.true(Math.max(...had) < 2.5 * Math.min(...had), String(had));
});

test('a second search is for cells that are not complete and can have all or much more', (t) => {
  const at = { now: 0 };
  const b = budget(1000, at);
  spend(b, at, 20, 0.001);
  t.true(b.isWorthMore(0, verdict({ schedules: 20, complete: false })));
  t.true(b.isWorthMore(0, verdict({ schedules: 190, complete: false })));
  t.false(b.isWorthMore(0, verdict({ schedules: 200, complete: false })));
  t.false(b.isWorthMore(0, verdict({ schedules: 20, complete: true })));
  at.now = 1000;
  t.false(b.isWorthMore(0, verdict({ schedules: 20, complete: false })));
});
