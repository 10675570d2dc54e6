// Goal: every call runs the same way: its descriptor is held, its path resolved, and memory that
// the kernel cannot reach is EFAULT of the call.

import test from 'ava';
import { VmFault } from '../../lib/mm/vma.js';
import { SystemCalls } from '../../lib/process/system-calls.js';
import { fixture } from './fixture.js';

test('a call holds the open file of its descriptor, and lets it go when it fails', async (t) => {
  const { table, fs } = fixture();
  const app = table.spawn('app');
  t.true(app instanceof SystemCalls);
  const fd = await app.open('/f', ['creat']);
  const file = fs.last('f');
  const before = file.refs;
  await t.throwsAsync(app.lseek(fd, -1, 'SEEK_SET'), { code: 'EINVAL' });
  t.is(file.refs, before);
  await t.throwsAsync(app.fsync(fd + 1), { code: 'EBADF' });
});

test('a path of no mount is ENOENT before the file system is asked', async (t) => {
  const app = fixture().table.spawn('app');
  await t.throwsAsync(app.stat(''), { code: 'ENOENT' });
});

test('memory that the kernel cannot reach is EFAULT, and names the call', async (t) => {
  const { table, fs } = fixture();
  const app = table.spawn('app');
  const fd = await app.open('/f', ['creat']);
  const fault = new VmFault('BUS_ADRERR', 0x1000);
  fs.last('f').fsync = () => Promise.reject(fault);
  const e = await t.throwsAsync(app.fsync(fd), { code: 'EFAULT', message: /fsync/ });
  t.is(e.cause, fault);
});
