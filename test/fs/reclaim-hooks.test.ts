// Goal: reclaim asks the policy of the page's own mount, and a page that cannot be written stays
// dirty without failing whoever needed the memory.

import test from 'ava';
import { Errno } from '../../lib/errno.js';
import { reclaimHooks } from '../../lib/fs/reclaim-hooks.js';
import { policyNamed } from '../../lib/policy/index.js';
import { bytesOf, FsMachine, PAGES } from './fs-fixture.js';

test('two mounts, two policies: each page is judged by its own', async (t) => {
  const m = new FsMachine({ kernel: '6.1' });
  const app = m.process();
  const answers: string[] = [];
  for (const policy of ['linux', 'bounce', 'hold-unmap'] as const) {
    const fs = await m.make('ext4', { policy: policyNamed(policy) });
    const file = await app.open(fs, '/f');
    await app.write(file, 0, bytesOf('w', PAGES(1)));
    const { mapping } = file.inode;
    answers.push(reclaimHooks.beforeUnmap!(mapping, 0, mapping.lookup(0)!));
  }
  t.deepEqual(answers, ['allow', 'refuse', 'refuse']);
  await m.end(t);
});

test('a page that cannot be written stays dirty, and nobody but fsync hears of it', async (t) => {
  const m = new FsMachine({ kernel: '6.1' });
  const fs = await m.make('ext4');
  const app = m.process();
  const file = await app.open(fs, '/f');
  await app.write(file, 0, bytesOf('w', PAGES(1)));
  const { mapping } = file.inode;
  Object.assign(m.env, {
    blockEngine: { transfer: () => Promise.reject(new Errno('EIO', 'disk0: failed')) },
  });
  await app.call(({ task }) => reclaimHooks.pageout!(task, mapping, 0));
  t.true(mapping.isDirty(0));
  await t.throwsAsync(
    app.call((c) => file.fsync(c)),
    { code: 'EIO' },
  );
  Object.assign(m.env, { blockEngine: undefined });
  await app.call(({ task }) => reclaimHooks.pageout!(task, mapping, 0));
  t.false(mapping.isDirty(0));
  await m.end(t);
});
