// Goal: the story tells of each policy what its authors claimed. Method: play every cell of the
// first story on a real device file and read the verdict; time is virtual.

import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { driverNames, type CellVerdict, type DriverName } from '../../lib/lab/cell.js';
import { actOf } from '../../lib/lab/acts.js';
import { breaches } from '../../lib/lab/judgement.js';
import { playCell } from '../../lib/lab/story.js';
import { policyNamed } from '../../lib/policy/index.js';
import { MiB, ms, seconds } from '../../lib/units.js';

const play = (policy: string, driver: DriverName) => playCell({ policy, driver });

const longterm: readonly DriverName[] = driverNames.filter((d) => actOf(d).longterm);

const asPromised = (v: CellVerdict) =>
  breaches(v, policyNamed(v.policy).promises, actOf(v.driver).longterm);

for (const driver of driverNames) {
  test(`none: ${driver} writes into the file that took the blocks`, async (t) => {
    const v = await play('none', driver);
    const [first] = v.stray;
    t.is(v.truncate.end, 'ok');
    t.is(first?.file, '/other');
    t.is(first?.meant, '/data');
    t.is(first?.access, 'write');
    t.true(v.corruptedBytes > 0, 'the owner of the new file reads bytes it did not write');
    t.deepEqual(asPromised(v), []);
  });
}

for (const policy of ['linux', 'forbid', 'wait', 'ebusy', 'lease-break', 'revoke', 'orphan']) {
  for (const driver of driverNames) {
    test(`${policy}: no byte of ${driver} lands elsewhere`, async (t) => {
      const v = await play(policy, driver);
      t.deepEqual(v.stray, []);
      t.is(v.corruptedBytes, 0);
      t.is(v.leaked, 0);
      t.deepEqual(asPromised(v), []);
    });
  }
}

for (const driver of longterm) {
  test(`linux and forbid: ${driver} may not pin the file for long`, async (t) => {
    for (const policy of ['linux', 'forbid']) {
      const v = await play(policy, driver);
      t.is(v.pin, 'EOPNOTSUPP');
      t.is(v.truncate.tookNs, 0);
    }
  });

  test(`wait: truncate ends when ${driver} gives its pins back`, async (t) => {
    const v = await play('wait', driver);
    t.is(v.truncate.end, 'ok');
    t.is(v.truncate.tookNs, seconds(59));
    t.is(v.holder, 'running');
  });

  test(`lease-break: 45 s pass, then the holder of ${driver}'s pins is killed`, async (t) => {
    const v = await play('lease-break', driver);
    t.is(v.truncate.end, 'ok');
    t.is(v.truncate.tookNs, seconds(45));
    t.is(v.holder, 'SIGKILL');
  });

  test(`ebusy: truncate fails at once and frees nothing under ${driver}`, async (t) => {
    const v = await play('ebusy', driver);
    t.is(v.truncate.end, 'EBUSY');
    t.is(v.truncate.tookNs, 0);
    t.is(v.free.afterTruncate, v.free.before);
  });

  test(`revoke: ${driver} loses its pins, truncate does not wait`, async (t) => {
    const v = await play('revoke', driver);
    t.is(v.truncate.end, 'ok');
    t.is(v.truncate.tookNs, 0);
    t.is(v.holder, 'lost pins');
    t.true(v.transfers.failed > 0, 'the device is told');
  });

  test(`orphan: blocks under ${driver} come back at the last unpin`, async (t) => {
    const v = await play('orphan', driver);
    t.is(v.truncate.end, 'ok');
    t.is(v.truncate.tookNs, 0);
    t.true(v.orphanedPeak > 0);
    t.is(v.free.afterTruncate + v.orphanedPeak - v.free.before, 64, 'what is not free is orphaned');
    t.is(v.free.atEnd, v.free.before, 'the old blocks are back, the new file has as many');
  });
}

test('direct I/O pins for one transfer: truncate waits that long and no longer', async (t) => {
  for (const policy of ['linux', 'wait', 'revoke', 'lease-break']) {
    const v = await play(policy, 'direct-io');
    t.is(v.truncate.end, 'ok');
    t.is(v.truncate.tookNs, ms(2.5));
  }
});

test('the device is a real file, which stays when it was named', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const device = join(folder, 'pmem0.img');
  const v = await playCell({ policy: 'wait', driver: 'rdma' }, { device });
  t.is(v.truncate.end, 'ok');
  t.true(existsSync(device));
  t.true(statSync(device).size > 64 * MiB);
  t.is((await playCell({ policy: 'none', driver: 'rdma' }, { device })).stray[0]?.file, '/other');
});
