// Goal: a replay always ends, and calls nothing an agreement that is none. Method: cases made to
// hang, to ask for what does not exist, to break; then every recorded case on every kernel.

import { fileURLToPath } from 'node:url';
import test from 'ava';
import { loadCases } from '../../lib/conformance/case.js';
import { bootForCases, replayCase } from '../../lib/conformance/replay.js';
import type { KernelName } from '../../lib/kernel-rules.js';
import { assertMachineBalanced } from '../support/balance.js';
import { answers, caseOf } from './scene.js';

const leased = [
  { op: 'lease_break_time', s: 0 },
  { op: 'open', on: 'ext4-dax', name: 'f', as: 'w' },
  { op: 'close', fd: 'w' },
  { op: 'open', on: 'ext4-dax', name: 'f', flags: ['rdonly'], as: 'f' },
  { op: 'lease', fd: 'f', type: 'rd' },
] as const;
const breaker = { op: 'open', on: 'ext4-dax', name: 'f', flags: ['rdwr'], by: 'B' } as const;

test('a step that never ends answers HUNG after 20 s of virtual time, and the case goes on', async (t) => {
  const ours = await answers([...leased, breaker, { op: 'signals' }]);
  t.deepEqual(ours.slice(-2), ['HUNG', 'SIGIO']);
});

test('a background step that waits is blocked, and finish collects it or says so again', async (t) => {
  const ours = await answers([
    ...leased,
    { ...breaker, bg: true, as: 'late' },
    { op: 'finish', by: 'B', of: 'late' },
    { op: 'lease', fd: 'f', type: 'un' },
    { op: 'finish', by: 'B', of: 'late' },
    { op: 'finish', of: 'late' },
  ]);
  t.deepEqual(ours.slice(-5), ['blocked', 'blocked', 'ok', 'ok', 'no handle']);
});

test('an operation nobody built is unsupported, a difference, and hides no later step', async (t) => {
  const c = caseOf([{ op: 'teleport' }, { op: 'pd', as: 'pd' }], ['unsupported', 'ok']);
  const claimed = await replayCase({ ...c, linux: { '6.12': ['ok', 'ok'] } }, '6.12');
  t.deepEqual(claimed.unsupported, ['teleport']);
  t.deepEqual(
    claimed.differ.map(({ op, ours }) => [op, ours]),
    [['teleport', 'unsupported']],
  );
  t.is(claimed.stepsAgree, 1);
});

test('a step that names a handle nobody made answers no handle', async (t) => {
  t.deepEqual(await answers([{ op: 'close', fd: 'x' }]), ['no handle']);
});

test('a step after the end of its process answers what ended it', async (t) => {
  const ours = await answers([
    { op: 'open', on: 'ext4', name: 'f', as: 'f', by: 'B' },
    { op: 'kill', target: 'B', sig: 'SIGKILL' },
    { op: 'size', fd: 'f', by: 'B' },
  ]);
  t.deepEqual(ours, ['ok', 'ok', 'SIGKILL']);
});

test('an answer that was not recorded for the kernel is a difference', async (t) => {
  const { differ } = await replayCase(caseOf([{ op: 'pd' }]), '7.2');
  t.deepEqual(differ, [{ id: 'test', step: 0, op: 'pd', linux: 'not recorded', ours: 'ok' }]);
});

test('what goes wrong inside is a difference named bug, not an end of the replay', async (t) => {
  const steps = [{ op: 'write', fd: 'f', off: 0, byte: '5a', len: 2 ** 52 }] as const;
  const ours = await answers([{ op: 'open', on: 'ext4', name: 'f', as: 'f' }, ...steps]);
  t.regex(String(ours[1]), /^bug: /);
});

const cases = loadCases([fileURLToPath(new URL('cases', import.meta.url))]);
const areas = [...new Set(cases.map(({ area }) => area))];
const kernels: readonly KernelName[] = ['6.1', '6.12', '7.2'];

for (const kernel of kernels) {
  for (const area of areas) {
    test.serial(`every case of ${area} answers as ${kernel} did`, async (t) => {
      const mine = cases.filter((c) => c.area === area);
      t.true(mine.length > 0);
      for (const c of mine) t.deepEqual((await replayCase(c, kernel)).differ, []);
    });
  }
}

test('a machine for cases has the four file systems and both devices of the recorder', async (t) => {
  const machine = await bootForCases('6.1');
  t.deepEqual([...machine.mounts.keys()], ['/ext4-dax', '/xfs-dax', '/ext4', '/tmpfs']);
  t.deepEqual(
    machine.drivers.devices.map(({ name }) => name),
    ['rdma0', 'v4l20'],
  );
  await assertMachineBalanced(t, machine);
});
