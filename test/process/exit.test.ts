// Goal: exit gives things up in the order of Linux: memory, descriptors ascending, then the
// queued releases from the last to the first. Method: files that write down what happens.

import test from 'ava';
import { Errno } from '../../lib/errno.js';
import { doExit } from '../../lib/process/exit.js';
import { FdTable } from '../../lib/process/fd-table.js';
import type { File } from '../../lib/process/file.js';
import { Scheduler, type Task } from '../../lib/sched/index.js';
import { addTaskWork } from '../../lib/sched/task-work.js';

class Recorded {
  readonly mapping = null;
  readonly writable = true;
  readonly label: string;
  readonly log: string[];
  refs = 1;
  refuses = false;

  constructor(label: string, log: string[]) {
    this.label = label;
    this.log = log;
  }

  flush(): void {
    this.log.push(`flush ${this.label}`);
    if (this.refuses) throw new Errno('EIO', 'flush');
  }

  getFile(): void {
    this.refs++;
  }

  putFile(task: Task): void {
    this.log.push(`put ${this.label}`);
    if (--this.refs === 0)
      addTaskWork(task, 'fput', () => void this.log.push(`free ${this.label}`));
  }
}

interface Scene {
  readonly log: string[];
  readonly fds: FdTable;
  file(label: string): Recorded;
  /** Files that only mappings hold. */
  readonly mapped: Recorded[];
}

function scene(): Scene {
  const log: string[] = [];
  const fds = new FdTable(() => 64);
  return { log, fds, mapped: [], file: (label) => new Recorded(label, log) };
}

const open = (s: Scene, label: string): Recorded => {
  const file = s.file(label);
  s.fds.install(file as unknown as File);
  return file;
};

function exit(s: Scene): Promise<void> {
  const sched = new Scheduler({ mode: 'simulated' });
  const mm = {
    async exitMmap(task: Task) {
      s.log.push('notifiers released', 'unmapped');
      for (const file of s.mapped) file.putFile(task);
    },
  };
  return sched.run('exit', (task) =>
    doExit({ task, process: undefined as never }, { mm, fds: s.fds }),
  );
}

test('files are released in the measured order: 4, 3, 2, 1, 0, mapping', async (t) => {
  const s = scene();
  for (const label of ['f0', 'f1', 'f2', 'f3', 'f4']) open(s, label);
  s.mapped.push(s.file('m'));
  await exit(s);
  const freed = s.log.filter((line) => line.startsWith('free'));
  t.deepEqual(freed, ['free f4', 'free f3', 'free f2', 'free f1', 'free f0', 'free m']);
});

test('memory goes before any descriptor, and every put before any release', async (t) => {
  const s = scene();
  open(s, 'a');
  open(s, 'b');
  s.mapped.push(s.file('m'));
  await exit(s);
  t.deepEqual(s.log, [
    'notifiers released',
    'unmapped',
    'put m',
    'flush a',
    'put a',
    'flush b',
    'put b',
    'free b',
    'free a',
    'free m',
  ]);
});

test('data file below device: the device lets go of its pins before the lease ends', async (t) => {
  const s = scene();
  open(s, 'data');
  open(s, 'uverbs');
  await exit(s);
  t.deepEqual(s.log.slice(-2), ['free uverbs', 'free data']);
});

test('device below data file: the lease ends before the device lets go of its pins', async (t) => {
  const s = scene();
  open(s, 'uverbs');
  open(s, 'data');
  await exit(s);
  t.deepEqual(s.log.slice(-2), ['free data', 'free uverbs']);
});

test('a file that is mapped as well goes with its descriptor, not with the mapping', async (t) => {
  const s = scene();
  const data = open(s, 'data');
  data.getFile();
  s.mapped.push(data);
  open(s, 'uverbs');
  await exit(s);
  t.deepEqual(
    s.log.filter((line) => line.startsWith('free')),
    ['free uverbs', 'free data'],
  );
});

test('a file that another process holds too is not released', async (t) => {
  const s = scene();
  const passed = open(s, 'passed');
  passed.getFile();
  await exit(s);
  t.false(s.log.includes('free passed'));
  t.is(passed.refs, 1);
});

test('a flush that refuses keeps nothing from being closed', async (t) => {
  const s = scene();
  open(s, 'a').refuses = true;
  open(s, 'b');
  await exit(s);
  t.deepEqual(s.log.slice(-2), ['free b', 'free a']);
  t.is(s.fds.nrOpen, 0);
});

test('a mistake in one step is reported after all steps were taken', async (t) => {
  const s = scene();
  open(s, 'a').flush = () => {
    throw new Error('mistake');
  };
  open(s, 'b');
  await t.throwsAsync(exit(s), { message: 'mistake' });
  t.true(s.log.includes('free a'));
  t.true(s.log.includes('free b'));
});
