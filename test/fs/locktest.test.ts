// Goal: leases are granted and broken as generic/571 (locktest -L) wants: each test is one of its
// ten cases, C the client process, S the server process on the same file.

import test from 'ava';
import type { OpenFlag } from '../../lib/fs/open.js';
import type { SetLeaseArg } from '../../lib/lease/fcntl.js';
import { seconds } from '../../lib/units.js';
import { FsMachine, outcome, type TestProcess } from './fs-fixture.js';

async function stage() {
  const m = new FsMachine();
  const fs = await m.make('ext4');
  const [C, S] = [m.process('C'), m.process('S')];
  const first = await C.open(fs, '/f');
  await C.write(first, 0, 'some bytes');
  await C.close(first);
  const open = (who: TestProcess, flag: OpenFlag) => who.open(fs, '/f', [flag]);
  const lease = (who: TestProcess, file: Awaited<ReturnType<typeof open>>, arg: SetLeaseArg) =>
    outcome(who.call((c) => file.setLease(c, arg, 3)));
  return { m, fs, C, S, open, lease };
}

type Breaker = (s: Awaited<ReturnType<typeof stage>>) => Promise<unknown>;
const opens =
  (flag: OpenFlag): Breaker =>
  ({ S, open }) =>
    open(S, flag);

const granted: readonly (readonly [string, OpenFlag, 'F_RDLCK' | 'F_WRLCK'])[] = [
  ['1: a read lease on a file open for reading', 'rdonly', 'F_RDLCK'],
  ['2: a write lease on a file that nobody else has open', 'rdwr', 'F_WRLCK'],
];
for (const [name, flag, arg] of granted) {
  test(`571 case ${name} is granted, read back and given up`, async (t) => {
    const { m, C, S, open, lease } = await stage();
    if (arg === 'F_RDLCK') await open(C, 'rdonly');
    const file = await open(S, flag);
    t.is(await lease(S, file, arg), 'ok');
    t.is(file.getLease(), arg);
    t.is(await lease(S, file, 'F_UNLCK'), 'ok');
    t.is(file.getLease(), 'F_UNLCK');
    await m.end(t);
  });
}

test('571 case 3: a write lease fails while somebody else has the file open', async (t) => {
  const { m, C, S, open, lease } = await stage();
  await open(C, 'rdonly');
  const file = await open(S, 'rdwr');
  t.is(await lease(S, file, 'F_WRLCK'), 'EAGAIN');
  t.not(file.getLease(), 'F_WRLCK');
  await m.end(t);
});

test('571 case 4: a read lease fails on a file open for writing', async (t) => {
  const { m, S, open, lease } = await stage();
  t.is(await lease(S, await open(S, 'rdwr'), 'F_RDLCK'), 'EAGAIN');
  await m.end(t);
});

const broken: readonly (readonly [string, OpenFlag, SetLeaseArg, Breaker, boolean])[] = [
  [
    '5: a read lease, and an open for reading and writing',
    'rdonly',
    'F_RDLCK',
    opens('rdwr'),
    true,
  ],
  ['6: a write lease, and an open for reading', 'rdwr', 'F_WRLCK', opens('rdonly'), true],
  ['7: a read lease, and an open for reading', 'rdonly', 'F_RDLCK', opens('rdonly'), false],
  ['8: a read lease, and an open for writing', 'rdonly', 'F_RDLCK', opens('wronly'), true],
  [
    '9: a write lease, and a truncate by the holder itself',
    'rdwr',
    'F_WRLCK',
    ({ C, fs }) => C.call((c) => fs.truncate(c, '/f', 5)),
    true,
  ],
  [
    '10: a read lease, and a truncate',
    'rdonly',
    'F_RDLCK',
    ({ S, fs }) => S.call((c) => fs.truncate(c, '/f', 5)),
    true,
  ],
];

for (const [name, flag, arg, breaker, breaks] of broken) {
  test(`571 case ${name}: ${breaks ? 'SIGIO within' : 'no SIGIO for'} 5 s`, async (t) => {
    const s = await stage();
    const { m, C, open, lease } = s;
    const file = await open(C, flag);
    t.is(await lease(C, file, arg), 'ok');
    const call = breaker(s);
    await m.sched.runFor(seconds(5));
    t.deepEqual(C.signals, breaks ? ['SIGIO'] : []);
    await lease(C, file, 'F_UNLCK');
    t.is(await outcome(call), 'ok', 'goes on when the lease is given up');
    await m.end(t);
  });
}
