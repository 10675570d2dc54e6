// Goal: the block driver moves the file system's blocks through its bus, and refuses by EIO only.

import test from 'ava';
import blockDriver, { type BlockDevice, Disk } from '../../../drivers/block/index.js';
import { complianceSuite } from '../../../lib/driver/compliance.js';
import { isErrno } from '../../../lib/errno.js';
import { assertBalanced } from '../../support/balance.js';
import { App, driverMachine } from '../../support/driver-machine.js';

complianceSuite(test, {
  driver: blockDriver,
  hardware: () => new Disk(),
  nodes: (name) => [name],
  async exercise({ file, caller }) {
    await file.ioctl(caller, 'STATS', {});
  },
});

function bench() {
  const m = driverMachine({ iommu: 'strict' });
  const disk = new Disk();
  m.core.register(blockDriver);
  const device = m.core.addDevice('emul,disk', disk)!;
  const { allocator, pages } = m.env;
  const media = Uint32Array.of(pages.regions[1]!.basePfn, pages.regions[1]!.basePfn + 1);
  const memory = Uint32Array.of(allocator.allocPage(), allocator.allocPage());
  const free = () => memory.forEach((pfn) => allocator.freePage(pfn));
  return { m, disk, engine: device.driverState as BlockDevice, media, memory, device, free };
}

test('blocks reach memory at their positions, in both directions', async (t) => {
  const { m, engine, media, memory, free } = bench();
  const { pages } = m.env;
  pages.fillPage(media[0]!, 0x11);
  pages.fillPage(media[1]!, 0x22);
  const io = { devicePfns: media, memoryPfns: memory, devicePos: 4000, memoryPos: 100, len: 200 };
  await m.run(async (task) => {
    await engine.transfer(task, { dir: 'read', ...io });
    const got = new Uint8Array(202);
    pages.read(memory, 99, got);
    t.deepEqual(
      [got[0], got[1], got[96], got[97], got[200], got[201]],
      [0, 0x11, 0x11, 0x22, 0x22, 0],
    );
    pages.fillPage(memory[0]!, 0x33);
    await engine.transfer(task, { dir: 'write', ...io });
    pages.read(media, 3999, got);
    t.deepEqual([got[0], got[1], got[200], got[201]], [0x11, 0x33, 0x33, 0x22]);
  });
  free();
  assertBalanced(t, m.env);
});

test('a medium that fails is EIO, and the mappings are gone', async (t) => {
  const { m, disk, engine, media, memory, device, free } = bench();
  disk.failNext(1);
  const io = {
    dir: 'read',
    devicePfns: media,
    memoryPfns: memory,
    devicePos: 0,
    memoryPos: 0,
  } as const;
  await m.run(async (task) => {
    const error = await t.throwsAsync(() => engine.transfer(task, { ...io, len: 512 }));
    t.true(isErrno(error, 'EIO'));
    t.is(device.iommu.nrMappings, 0);
  });
  free();
  assertBalanced(t, m.env);
});

test('the node of a disk without DAX is ENODEV to map, and a private mapping is EINVAL', async (t) => {
  const fault = () => Promise.reject(new Error('never'));
  for (const [disk, share, code] of [
    [new Disk(), 'shared', 'ENODEV'],
    [new Disk({ fault }), 'private', 'EINVAL'],
  ] as const) {
    const m = driverMachine();
    m.core.register(blockDriver);
    m.core.addDevice('emul,disk', disk);
    const e = await t.throwsAsync(
      m.run(async (task) => {
        const { caller } = new App(m, task);
        const file = await m.core.openNode(caller, 'block0', ['rdwr']);
        try {
          await file.mmap(caller, { shared: share === 'shared' } as never);
        } finally {
          file.putFile(task);
        }
      }),
    );
    t.true(isErrno(e, code));
  }
});
