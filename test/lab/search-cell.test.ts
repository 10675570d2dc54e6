// Goal: the cells tell of each policy what its authors claimed. Method: a few schedules of chosen
// cells, time virtual, and the verdict read.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { BehaviourName, DriverName, OperationName } from '../../lib/lab/cell.js';
import { searchCell, type Found } from '../../lib/lab/search-cell.js';
import { verdictOf } from '../../lib/lab/severity.js';
import { policyNamed } from '../../lib/policy/index.js';
import { seconds } from '../../lib/units.js';

const folder = mkdtempSync(join(tmpdir(), 'leasehold-cells-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));
let nrDevices = 0;

const measure = (
  policy: string,
  driver: DriverName,
  behaviour: BehaviourName,
  operation: OperationName = 'truncate',
  schedules = 6,
): Promise<Found> =>
  searchCell({ policy, driver, behaviour, operation }, policyNamed(policy), {
    device: join(folder, `pmem${nrDevices++}.img`),
    schedules,
    exhaustive: false,
  });

for (const driver of [
  'rdma-pinned',
  'rdma-lease',
  'rdma-revocable',
  'v4l2-userptr',
  'vfio',
] as const) {
  test(`none: ${driver} writes into the file that took the blocks`, async (t) => {
    const behaviour = driver === 'rdma-lease' ? 'ignores' : 'never-leases';
    const { worst, broken } = await measure('none', driver, behaviour);
    t.is(worst.stray[0]?.file, '/other');
    t.is(worst.stray[0]?.meant, '/data');
    t.true(worst.corruptedBytes > 0, 'its owner reads bytes it did not write');
    t.deepEqual(broken, []);
  });
}

test('none: direct I/O under way writes into the file that took the blocks', async (t) => {
  const { worst, broken } = await measure('none', 'direct-io', 'never-leases', 'truncate', 40);
  t.is(worst.stray[0]?.file, '/other');
  t.deepEqual(broken, []);
});

for (const policy of [
  'linux',
  'forbid',
  'odp',
  'wait',
  'ebusy',
  'lease-break',
  'revoke',
  'orphan',
]) {
  for (const driver of ['rdma-pinned', 'v4l2-userptr', 'direct-io'] as const) {
    test(`${policy}: no byte of ${driver} lands elsewhere`, async (t) => {
      const { worst, broken } = await measure(policy, driver, 'never-leases');
      t.deepEqual(worst.stray, []);
      t.is(worst.corruptedBytes, 0);
      t.is(worst.leaked, 0);
      t.deepEqual(broken, []);
    });
  }
}

test('linux and forbid: nobody may pin the file for long; one schedule says so', async (t) => {
  for (const policy of ['linux', 'forbid']) {
    const found = await measure(policy, 'rdma-revocable', 'ignores');
    t.is(found.worst.pin, 'EOPNOTSUPP');
    t.is(found.schedules, 1);
    t.true(found.complete);
  }
});

test('wait: an application that never unpins hangs truncate, and readers behind it', async (t) => {
  const { worst, broken } = await measure('wait', 'rdma-pinned', 'never-leases');
  t.is(verdictOf(worst), 'hung');
  t.is(worst.outcome.end, 'hung');
  t.true((worst.stuck.reader ?? Infinity) > seconds(100));
  t.deepEqual(broken, [], 'as it promises');
});

test('wait: one that cooperates does not', async (t) => {
  const { worst } = await measure('wait', 'rdma-pinned', 'cooperates');
  t.is(verdictOf(worst), 'safe');
});

test('lease-break: 45 s pass, then who ignores SIGIO is killed', async (t) => {
  const { worst, broken } = await measure('lease-break', 'rdma-pinned', 'ignores');
  t.is(worst.outcome.end, 'ok');
  t.is(worst.outcome.tookNs, seconds(45));
  t.is(worst.holder, 'SIGKILL');
  t.deepEqual(broken, []);
});

test('ebusy: truncate fails at once and changes nothing', async (t) => {
  const { worst } = await measure('ebusy', 'rdma-pinned', 'never-leases');
  t.is(verdictOf(worst), 'refused: EBUSY');
  t.is(worst.outcome.tookNs, 0);
});

test('revoke: truncate does not wait, and the peer meets errors with the old key', async (t) => {
  const { worst, broken } = await measure('revoke', 'rdma-revocable', 'revoked-key');
  t.is(worst.outcome.end, 'ok');
  t.is(worst.holder, 'lost pins');
  t.true(worst.transfers.failed > 0, 'the key is dead');
  t.deepEqual(worst.stray, []);
  t.deepEqual(broken, []);
});

test('revoke: what cannot be taken back is not let in', async (t) => {
  for (const driver of ['rdma-pinned', 'vfio'] as const) {
    t.is((await measure('revoke', driver, 'never-leases')).worst.pin, 'EOPNOTSUPP');
  }
});

test('orphan: blocks under DMA come back at the last unpin', async (t) => {
  const { worst } = await measure('orphan', 'rdma-pinned', 'never-leases');
  t.is(worst.outcome.tookNs, 0);
  t.true(worst.orphanedPeak > 0);
  t.is(worst.leaked, 0);
});

test('a token replays: the same cell searched twice has the same worst schedule', async (t) => {
  const [a, b] = [
    await measure('lease-break', 'rdma-pinned', 'exits-data-first', 'truncate', 20),
    await measure('lease-break', 'rdma-pinned', 'exits-data-first', 'truncate', 20),
  ];
  t.is(a.token, b.token);
  t.deepEqual(a.seen, b.seen);
});

test('exit: which descriptor is lower decides whether the lease ends before the pins', async (t) => {
  const first = async (behaviour: BehaviourName): Promise<unknown> =>
    (await measure('lease-break', 'rdma-pinned', behaviour, 'exit', 1)).worst.first;
  t.is(await first('exits-data-first'), 'pins');
  t.is(await first('exits-device-first'), 'lease');
});

test('fsync waits under hold-unmap and not under bounce', async (t) => {
  const took = async (policy: string): Promise<number> =>
    (await measure(policy, 'rdma-revocable', 'never-leases', 'fsync')).worst.outcome.tookNs;
  t.true((await took('hold-unmap')) > seconds(100));
  t.is(await took('bounce'), 0);
});
