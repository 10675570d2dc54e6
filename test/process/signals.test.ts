// Goal: what becomes of a signal follows from its disposition, the mask and running handlers.

import test from 'ava';
import { Signals, type Delivery } from '../../lib/process/signals.js';

const handler = () => {};

function begin(signals: Signals, delivery: Delivery): void {
  if (delivery.do === 'handler') signals.handlerBegan(delivery.info.signal, delivery.action);
}

test('without a handler a signal does what its default action says', (t) => {
  const signals = new Signals();
  t.deepEqual(signals.generate('SIGIO'), { do: 'die', signal: 'SIGIO', core: false });
  t.deepEqual(signals.generate('SIGBUS'), { do: 'die', signal: 'SIGBUS', core: true });
  t.deepEqual(signals.generate('SIGCHLD'), { do: 'nothing' });
  t.deepEqual(signals.generate('SIGTSTP'), { do: 'stop' });
  t.deepEqual(signals.generate('SIGCONT'), { do: 'continue' });
});

test('a handler gets the signal and its information', (t) => {
  const signals = new Signals();
  signals.setAction('SIGIO', { handler });
  const delivery = signals.generate('SIGIO', { code: 'POLL_MSG', fd: 3 });
  t.like(delivery, { do: 'handler', info: { signal: 'SIGIO', code: 'POLL_MSG', fd: 3 } });
});

test('SIGKILL and SIGSTOP can be neither caught nor ignored nor blocked', (t) => {
  const signals = new Signals();
  for (const sig of ['SIGKILL', 'SIGSTOP']) {
    t.throws(() => signals.setAction(sig, { handler }), { code: 'EINVAL' });
    t.throws(() => signals.setAction(sig, 'ignore'), { code: 'EINVAL' });
  }
  signals.setMask('block', ['SIGKILL', 'SIGSTOP', 'SIGUSR1']);
  t.like(signals.generate('SIGKILL'), { do: 'die' });
  t.like(signals.generate('SIGSTOP'), { do: 'stop' });
  t.like(signals.generate('SIGUSR1'), { do: 'nothing' });
  t.deepEqual(signals.pending, ['SIGUSR1']);
});

test('a blocked classic signal is pending once, a real-time one each time', (t) => {
  const signals = new Signals();
  signals.setAction('SIGIO', { handler });
  signals.setAction('SIGRTMIN+1', { handler });
  signals.setMask('block', ['SIGIO', 'SIGRTMIN+1']);
  for (const fd of [1, 2]) {
    t.is(signals.generate('SIGIO', { fd }).do, 'nothing');
    t.is(signals.generate('SIGRTMIN+1', { fd }).do, 'nothing');
  }
  t.deepEqual(signals.pending, ['SIGIO', 'SIGRTMIN+1', 'SIGRTMIN+1']);
  t.is(signals.release().do, 'nothing');
  signals.setMask('unblock', ['SIGRTMIN+1']);
  t.is(signals.nrDeliverable, 2);
  t.like(signals.release(), { do: 'handler', info: { signal: 'SIGRTMIN+1', fd: 1 } });
  t.like(signals.release(), { do: 'handler', info: { signal: 'SIGRTMIN+1', fd: 2 } });
  signals.setMask('setmask', []);
  t.like(signals.release(), { do: 'handler', info: { signal: 'SIGIO', fd: 1 } });
  t.deepEqual(signals.pending, []);
});

test('a running handler holds its own signal back, unless nodefer', (t) => {
  const signals = new Signals();
  signals.setAction('SIGIO', { handler });
  begin(signals, signals.generate('SIGIO'));
  t.is(signals.generate('SIGIO').do, 'nothing');
  t.is(signals.generate('SIGIO').do, 'nothing');
  signals.handlerEnded('SIGIO', { handler });
  begin(signals, signals.release());
  t.is(signals.release().do, 'nothing');
  t.deepEqual(signals.take(), ['SIGIO', 'SIGIO']);
  t.deepEqual(signals.take(), []);

  signals.setAction('SIGUSR1', { handler, nodefer: true });
  begin(signals, signals.generate('SIGUSR1'));
  t.is(signals.generate('SIGUSR1').do, 'handler');
});

test('resethand is one handler and then the default action', (t) => {
  const signals = new Signals();
  signals.setAction('SIGUSR1', { handler, resethand: true, nodefer: true });
  begin(signals, signals.generate('SIGUSR1'));
  t.is(signals.generate('SIGUSR1').do, 'die');
});

test('a forced signal kills when it is blocked or ignored', (t) => {
  for (const hold of ['block', 'ignore', 'running'] as const) {
    const signals = new Signals();
    signals.setAction('SIGBUS', hold === 'ignore' ? 'ignore' : { handler });
    if (hold === 'block') signals.setMask('block', ['SIGBUS']);
    if (hold === 'running') begin(signals, signals.generate('SIGBUS'));
    t.like(signals.force('SIGBUS', { addr: 4096 }), { do: 'die', signal: 'SIGBUS' }, hold);
  }
  const free = new Signals();
  free.setAction('SIGBUS', { handler });
  t.like(free.force('SIGBUS', { addr: 4096 }), { do: 'handler', info: { addr: 4096 } });
});

test('ignoring a signal drops what is pending of it', (t) => {
  const signals = new Signals();
  signals.setMask('block', ['SIGUSR1', 'SIGCHLD']);
  signals.generate('SIGUSR1');
  signals.generate('SIGCHLD');
  signals.setAction('SIGUSR1', 'ignore');
  signals.setAction('SIGCHLD', 'default');
  t.deepEqual(signals.pending, []);
});
