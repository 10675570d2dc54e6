// Goal: a request that others feel is refused to whoever has less priority than the highest.

import test from 'ava';
import { isErrno } from '../../../lib/errno.js';
import { guardedRequests, PriorityState } from '../../../drivers/v4l2/priority.js';

const refused = (state: PriorityState, file: object, request: string): boolean => {
  try {
    state.check(file, request);
    return false;
  } catch (e) {
    if (!isErrno(e, 'EBUSY')) throw e;
    return true;
  }
};

test('everybody starts as INTERACTIVE and may do everything', (t) => {
  const state = new PriorityState();
  const [a, b] = [{}, {}];
  state.open(a);
  state.open(b);
  t.is(state.highest, 'INTERACTIVE');
  for (const request of guardedRequests) t.false(refused(state, a, request));
});

test('while one records, the others may only look and move buffers', (t) => {
  const state = new PriorityState();
  const [a, b] = [{}, {}];
  state.open(a);
  state.open(b);
  state.set(a, 'RECORD');
  for (const request of guardedRequests) {
    t.true(refused(state, b, request), request);
    t.false(refused(state, a, request), request);
  }
  for (const request of ['QBUF', 'DQBUF', 'QUERYBUF', 'G_FMT']) t.false(refused(state, b, request));
  state.close(a);
  t.false(refused(state, b, 'S_FMT'));
});

test('UNSET is no priority to have', (t) => {
  const state = new PriorityState();
  t.throws(() => state.set({}, 'UNSET'), { message: /EINVAL/ });
});
