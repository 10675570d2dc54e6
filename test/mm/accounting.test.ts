// Goal: each account is compared with RLIMIT_MEMLOCK alone, and a refused charge leaves no trace
// (facts 5.2, 7, 11; conformance reg/memlock-*, account/*).

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import {
  chargeLocked,
  chargePinned,
  chargeUser,
  memlockPages,
  unchargeLocked,
  unchargePinned,
  unchargeUser,
} from '../../lib/mm/accounting.js';
import { posOf } from '../../lib/units.js';
import { memoryMachine, newProcess } from '../support/mm-fixture.js';

const rows = [
  { what: '8 of 8', memlock: posOf(8), charges: [8], last: 'ok' },
  { what: '9 of 8', memlock: posOf(8), charges: [9], last: 'ENOMEM' },
  { what: '4 and 4 of 8', memlock: posOf(8), charges: [4, 4], last: 'ok' },
  { what: '4, 4 and 1 of 8', memlock: posOf(8), charges: [4, 4, 1], last: 'ENOMEM' },
  { what: '1 of a limit of less than a page', memlock: 4095, charges: [1], last: 'ENOMEM' },
  { what: '1 of 0', memlock: 0, charges: [1], last: 'EPERM' },
  {
    what: '100 of 0 with CAP_IPC_LOCK',
    memlock: 0,
    caps: ['CAP_IPC_LOCK'],
    charges: [100],
    last: 'ok',
  },
] as const;

for (const row of rows) {
  test(`pinned_vm: ${row.what}: ${row.last}`, (t) => {
    const m = memoryMachine();
    const caps = 'caps' in row ? row.caps : [];
    const process = newProcess(m, 'app', { memlock: row.memlock, caps });
    const { mm } = process;
    let charged = 0;
    row.charges.forEach((nr, i) => {
      const wanted = i === row.charges.length - 1 ? row.last : 'ok';
      let answer = 'ok';
      try {
        chargePinned(process, mm, nr);
        charged += nr;
      } catch (e) {
        answer = isErrno(e) ? e.code : String(e);
      }
      t.is(answer, wanted);
      t.is(mm.pinnedVm, charged);
    });
    unchargePinned(mm, charged);
    t.is(mm.pinnedVm, 0);
    t.throws(() => unchargePinned(mm, 1), { message: /below zero/ });
  });
}

test('the three accounts do not add up', (t) => {
  const m = memoryMachine();
  const process = newProcess(m, 'app', { memlock: posOf(8) });
  const { mm } = process;
  chargePinned(process, mm, 8);
  chargeLocked(process, mm, 8);
  chargeUser(process, 8);
  for (const charge of [chargePinned, chargeLocked]) {
    t.true(
      isErrno(
        t.throws(() => charge(process, mm, 1)),
        'ENOMEM',
      ),
    );
  }
  t.true(
    isErrno(
      t.throws(() => chargeUser(process, 1)),
      'ENOMEM',
    ),
  );
  unchargePinned(mm, 8);
  unchargeLocked(mm, 8);
  unchargeUser(process.user, 8);
  t.deepEqual([mm.pinnedVm, mm.lockedVm, process.user.lockedVm], [0, 0, 0]);
});

test('io_uring charges the user over all processes, and nobody who has CAP_IPC_LOCK', (t) => {
  const m = memoryMachine();
  const user = { uid: 1000, lockedVm: 0 };
  const a = newProcess(m, 'a', { memlock: posOf(8), user });
  const b = newProcess(m, 'b', { memlock: posOf(8), user });
  const root = newProcess(m, 'root', { memlock: 0, caps: ['CAP_IPC_LOCK'], user });
  chargeUser(a, 5);
  t.true(
    isErrno(
      t.throws(() => chargeUser(b, 4)),
      'ENOMEM',
    ),
  );
  chargeUser(b, 3);
  chargeUser(root, 1000);
  t.is(user.lockedVm, 8);
  t.is(memlockPages(root), Infinity);
  unchargeUser(user, 8);
});
