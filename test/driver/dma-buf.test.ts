// Goal: an exported buffer lives as long as its file or an importer, and is taken back from every
// importer that can let go.

import test from 'ava';
import { DmaBuf, type DmaBufAttachment } from '../../lib/driver/dma-buf.js';
import { PageBlock } from '../../lib/driver/page-block.js';
import { Errno } from '../../lib/errno.js';
import { Scheduler } from '../../lib/sched/index.js';

function bench(opts = {}) {
  const freed: number[] = [];
  const block = new PageBlock(
    'frame',
    Uint32Array.of(5),
    (pfn) => freed.push(pfn),
    () => {},
  );
  let released = 0;
  const buf = new DmaBuf('buffer 0', block, () => void released++, opts);
  return { buf, block, freed, released: () => released };
}

const ignore = (): void => {};

test('the pages outlive the exporter, and the file, while somebody imports them', (t) => {
  const { buf, block, freed, released } = bench();
  const attachment = buf.attach({ device: 'rdma0' }, ignore);
  t.deepEqual([...attachment.pfns], [5]);
  block.free();
  buf.getFile();
  buf.putFile();
  buf.putFile();
  t.is(released(), 1);
  t.deepEqual(freed, []);
  attachment.detach();
  t.deepEqual(freed, [5]);
  t.throws(() => attachment.detach(), { message: /detached twice/ });
});

test('invalidate calls each importer once, then maps nothing any more', async (t) => {
  const sched = new Scheduler({ mode: 'simulated' });
  const { buf } = bench();
  const told: string[] = [];
  const revoke = (who: string) => (): Promise<void> => {
    told.push(who);
    return Promise.resolve();
  };
  const made: DmaBufAttachment[] = [];
  for (const device of ['rdma0', 'rdma1']) {
    made.push(buf.attach({ device, revoke: revoke(device) }, ignore));
  }
  await sched.run('test', async (task) => {
    await buf.invalidate(task);
    await buf.invalidate(task);
  });
  t.deepEqual(told, ['rdma0', 'rdma1']);
  t.throws(() => made[0]!.pfns, { instanceOf: Errno, message: /^ENODEV/ });
  t.throws(() => buf.attach({ device: 'late' }, ignore), { message: /^ENODEV/ });
  for (const attachment of made) attachment.detach();
  t.is(buf.nrAttachments, 0);
});

test('an exporter may refuse importers that cannot let go', (t) => {
  const { buf } = bench({ revocableOnly: true });
  t.throws(() => buf.attach({ device: 'rdma0' }, ignore), { message: /^EOPNOTSUPP/ });
  t.is(buf.nrAttachments, 0);
});
