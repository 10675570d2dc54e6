// Goal: a camera that writes to its own memory is in nobody's way, even under none.

import test from 'ava';
import { endOf } from './play-fixture.js';

test('truncate ends at once; the copy past the end of the file is the application’s SIGBUS', async (t) => {
  const e = await endOf({ driver: 'v4l2-dmabuf', policy: 'none' });
  t.is(e.outcome.tookNs, 0);
  t.deepEqual(e.stray, []);
  t.is(e.holder, 'SIGBUS');
});
