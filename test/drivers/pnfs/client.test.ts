// Goal: each method of the library is one request.

import test from 'ava';
import { PnfsClient } from '../../../drivers/pnfs/client.js';

test('methods and their requests', async (t) => {
  const sent: unknown[] = [];
  const client = new PnfsClient({
    node: 'pnfs0',
    ioctl: (request: string, arg: unknown) => {
      sent.push([request, arg]);
      return Promise.resolve(undefined as never);
    },
    close: () => {
      sent.push(['close']);
      return Promise.resolve();
    },
  });
  const get = { fd: 3, pos: 0, len: 1, iomode: 'rw' } as const;
  const job = { pos: 0, len: 1, byte: 2, periodNs: 3 };
  const data = Uint8Array.of(1);
  const layout = { stateid: 7, extents: [] };
  await client.layoutGet(get);
  await client.read(layout, 1, 2);
  await client.write(layout, 1, data);
  await client.start(layout, job);
  await client.stop(layout);
  await client.layoutReturn(layout);
  await client.onRecall('ignore');
  await client.nextRecall();
  await client.counters();
  await client.close();
  t.deepEqual(sent, [
    ['LAYOUTGET', get],
    ['READ', { stateid: 7, pos: 1, len: 2 }],
    ['WRITE', { stateid: 7, pos: 1, data }],
    ['START', { stateid: 7, ...job }],
    ['STOP', { stateid: 7 }],
    ['LAYOUTRETURN', { stateid: 7 }],
    ['SET_RECALL', { answer: 'ignore' }],
    ['NEXT_RECALL', undefined],
    ['COUNTERS', undefined],
    ['close'],
  ]);
});
