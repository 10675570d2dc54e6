// Goal: each method of the library is one request, with the numbers where the request has them.

import test from 'ava';
import { VfioClient } from '../../../drivers/vfio/client.js';

test('methods and their requests', async (t) => {
  const sent: unknown[] = [];
  const client = new VfioClient({
    node: 'vfio0',
    ioctl: (request: string, arg: unknown) => {
      sent.push([request, arg]);
      return Promise.resolve({ size: 4096 } as never);
    },
    close: () => {
      sent.push(['close']);
      return Promise.resolve();
    },
  });
  const map = { vaddr: 1, iova: 2, size: 3, flags: ['read'] } as const;
  const job = { dir: 'read', iova: 0, len: 1, byte: 0, periodNs: 1 } as const;
  await client.info();
  await client.mapDMA(map);
  t.is(await client.unmapDMA(2, 3), 4096);
  t.is(await client.unmapAll(), 4096);
  await client.start(job);
  await client.reset();
  await client.counters();
  await client.close();
  t.deepEqual(sent, [
    ['IOMMU_GET_INFO', undefined],
    ['MAP_DMA', map],
    ['UNMAP_DMA', { iova: 2, size: 3 }],
    ['UNMAP_DMA', { iova: 0, size: 0, flags: ['all'] }],
    ['DEVICE_START', job],
    ['DEVICE_RESET', undefined],
    ['DEVICE_COUNTERS', undefined],
    ['close'],
  ]);
});
