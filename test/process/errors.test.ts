// Goal: an application can tell why there was no answer.

import test from 'ava';
import { MemoryFault, ProcessKilled } from '../../lib/process/errors.js';

test('ProcessKilled says who is gone and how it ended', (t) => {
  const e = new ProcessKilled(7, 'app', 'SIGKILL');
  t.like(e, { name: 'ProcessKilled', code: 'EKILLED', pid: 7, status: 'SIGKILL' });
  t.is(e.message, 'app (pid 7) is gone: SIGKILL');
});

test('MemoryFault says which signal, where and why', (t) => {
  const e = new MemoryFault('SIGBUS', 'BUS_ADRERR', 0x1000);
  t.like(e, { name: 'MemoryFault', signal: 'SIGBUS', code: 'BUS_ADRERR', addr: 0x1000 });
  t.is(e.message, 'SIGBUS (BUS_ADRERR) at address 0x1000');
});
