// Goal: a file is of exactly one kind.

import test from 'ava';
import { isDevice, isPipe, isRegular, isRing, type File } from '../../lib/process/file.js';
import { pipeEnds } from '../../lib/process/pipe-end.js';
import { Scheduler } from '../../lib/sched/index.js';
import { FakeDevice, FakeFile, FakePipe } from './fixture.js';

const sched = new Scheduler({ mode: 'simulated' });
const kinds: [string, File, readonly boolean[]][] = [
  ['regular file', new FakeFile(sched, 'f', ['rdwr'], []), [true, false, false, false]],
  ['device', new FakeDevice(sched, '/dev/d', []), [false, true, false, false]],
  ['pipe', pipeEnds(new FakePipe([])).reader, [false, false, true, false]],
  ['ring', { ring: true } as File, [false, false, false, true]],
];

for (const [name, file, is] of kinds) {
  test(`a ${name} is a ${name} and nothing else`, (t) => {
    t.deepEqual([isRegular(file), isDevice(file), isPipe(file), isRing(file)], is);
  });
}
