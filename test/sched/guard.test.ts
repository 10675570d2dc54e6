// Goal: what a guard holds is let go when its block ends, once, however it ends.

import test from 'ava';
import { Guard } from '../../lib/sched/index.js';

test('a guard releases at the end of its block, and when the block throws', (t) => {
  let released = 0;
  const release = (): void => void released++;
  {
    using _guard = new Guard(release);
    t.is(released, 0);
  }
  t.is(released, 1);
  t.throws(() => {
    using _guard = new Guard(release);
    throw new Error('out');
  });
  t.is(released, 2);
});
