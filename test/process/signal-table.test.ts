// Goal: every signal has the name, the number and the default action of Linux on x86.

import test from 'ava';
import {
  defaultAction,
  type DefaultAction,
  isKernelOnly,
  isRealTime,
  signalName,
  signalNumbers,
  type SignalName,
} from '../../lib/process/signal-table.js';

test('the 31 classic signals are numbered 1 to 31', (t) => {
  const numbers = Object.values(signalNumbers).sort((a, b) => a - b);
  t.deepEqual(
    numbers,
    Array.from({ length: 31 }, (_, i) => i + 1),
  );
});

const actions: [SignalName, DefaultAction][] = [
  ['SIGIO', 'terminate'],
  ['SIGKILL', 'terminate'],
  ['SIGTERM', 'terminate'],
  ['SIGUSR1', 'terminate'],
  ['SIGPIPE', 'terminate'],
  ['SIGBUS', 'core'],
  ['SIGSEGV', 'core'],
  ['SIGABRT', 'core'],
  ['SIGXFSZ', 'core'],
  ['SIGCHLD', 'ignore'],
  ['SIGURG', 'ignore'],
  ['SIGWINCH', 'ignore'],
  ['SIGSTOP', 'stop'],
  ['SIGTTOU', 'stop'],
  ['SIGCONT', 'continue'],
  ['SIGRTMIN', 'terminate'],
  ['SIGRTMIN+5', 'terminate'],
];

for (const [sig, action] of actions) {
  test(`the default action of ${sig} is ${action}`, (t) => t.is(defaultAction(sig), action));
}

test('SIGPOLL is SIGIO, and a name that is none is EINVAL', (t) => {
  t.is(signalName('SIGPOLL'), 'SIGIO');
  t.is(signalName('SIGRTMIN+30'), 'SIGRTMIN+30');
  for (const bad of ['SIGRTMIN+31', 'SIGRTMIN+', 'sigio', '', 'SIGFOO', '9']) {
    t.throws(() => signalName(bad), { code: 'EINVAL' });
  }
});

test('only SIGKILL and SIGSTOP belong to the kernel, and only SIGRT queue', (t) => {
  const names = Object.keys(signalNumbers);
  t.deepEqual(names.filter(isKernelOnly).sort(), ['SIGKILL', 'SIGSTOP']);
  t.deepEqual(names.filter(isRealTime), []);
  t.true(isRealTime('SIGRTMIN+1'));
});
