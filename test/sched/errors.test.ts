// Goal: mistakes of the code under the scheduler are told apart from refusals, and by name.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { DeadlockError, ReplayError, StrayError } from '../../lib/sched/index.js';

for (const Kind of [DeadlockError, ReplayError, StrayError]) {
  test(`a ${Kind.name} bears its name and is no refusal`, (t) => {
    const e = new Kind('what happened');
    t.is(String(e), `${Kind.name}: what happened`);
    t.false(isErrno(e));
  });
}
