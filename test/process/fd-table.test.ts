// Goal: descriptors are the lowest free numbers, below the limit, and never lose a reference.

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { FdTable } from '../../lib/process/fd-table.js';
import type { File } from '../../lib/process/file.js';

const file = (label: string): File => ({ label }) as unknown as File;
const tableOf = (limit = 8): FdTable => new FdTable(() => limit);

test('a descriptor is the lowest free number', (t) => {
  const fds = tableOf();
  t.deepEqual([fds.install(file('a')), fds.install(file('b')), fds.install(file('c'))], [0, 1, 2]);
  fds.take(1);
  t.is(fds.install(file('d')), 1);
  t.is(fds.install(file('e'), 5), 5);
  t.is(fds.install(file('f')), 3);
});

test('a closed, reserved or foreign descriptor is EBADF', (t) => {
  const fds = tableOf();
  const fd = fds.reserve();
  for (const bad of [fd, 1, 99, -1, 0.5, Number.NaN]) {
    t.throws(() => fds.get(bad), { code: 'EBADF' });
    t.throws(() => fds.take(bad), { code: 'EBADF' });
  }
  t.false(fds.has(fd));
});

test('past RLIMIT_NOFILE there is EMFILE, and EINVAL for a minimum there', (t) => {
  let limit = 2;
  const fds = new FdTable(() => limit);
  fds.install(file('a'));
  fds.install(file('b'));
  t.throws(() => fds.reserve(), { code: 'EMFILE' });
  t.throws(() => fds.reserve(2), { code: 'EINVAL' });
  limit = 3;
  t.is(fds.reserve(), 2);
});

test('a reserved descriptor is taken, and free again when the open fails', (t) => {
  const fds = tableOf();
  const fd = fds.reserve();
  t.is(fds.install(file('a')), 1);
  fds.unreserve(fd);
  t.is(fds.install(file('b')), 0);
});

test('dup2 replaces, and answers what was there', (t) => {
  const fds = tableOf(4);
  const [a, b] = [file('a'), file('b')];
  fds.install(a);
  t.is(fds.replace(3, b), null);
  t.is(fds.replace(0, b), a);
  t.deepEqual(fds.fdsOf(b), [0, 3]);
  for (const bad of [4, -1, 1.5]) t.throws(() => fds.replace(bad, a), { code: 'EBADF' });
  fds.reserve();
  t.throws(() => fds.replace(1, a), { code: 'EBUSY' });
});

test('looking is a read, every change a write', (t) => {
  const seen: string[] = [];
  const fds = new FdTable(
    () => 4,
    (access) => seen.push(access),
  );
  fds.install(file('a'));
  t.true(seen.length > 0 && seen.every((access) => access === 'write'));
  seen.length = 0;
  fds.get(0);
  t.deepEqual(seen, ['read']);
  fds.take(0);
  t.is(seen.at(-1), 'write');
});

testProp(
  'any sequence of installs and closes matches a plain map',
  [fc.array(fc.oneof(fc.constant(-1), fc.nat(7)), { maxLength: 60 })],
  (t, steps) => {
    const fds = tableOf(8);
    const model = new Map<number, File>();
    steps.forEach((step, i) => {
      if (step >= 0) {
        if (model.delete(step)) fds.take(step);
        else t.throws(() => fds.take(step), { code: 'EBADF' });
        return;
      }
      let lowest = 0;
      while (model.has(lowest)) lowest++;
      const f = file(`${i}`);
      if (lowest >= 8) t.throws(() => fds.install(f), { code: 'EMFILE' });
      else t.is(fds.install(f), lowest);
      if (lowest < 8) model.set(lowest, f);
    });
    t.deepEqual(
      [...fds.entries()],
      [...model].sort(([a], [b]) => a - b),
    );
    t.is(fds.nrOpen, model.size);
  },
);
