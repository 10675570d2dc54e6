// Goal: the scene is the same for each cell, but for the page cache, which has rules of its own.

import test from 'ava';
import { actOf } from '../../lib/lab/acts.js';
import { driverNames, operationNames } from '../../lib/lab/cell.js';
import * as scene from '../../lib/lab/scene.js';
import { policyNamed } from '../../lib/policy/index.js';
import { onStage } from './play-fixture.js';

const specOf = (policy: string, operation: (typeof operationNames)[number]): scene.SceneSpec => ({
  policy: policyNamed(policy),
  act: actOf('rdma-pinned'),
  operation,
});

test('fsync and reclaim are of the page cache, all else of DAX', (t) => {
  t.deepEqual(operationNames.filter(scene.onPageCache), ['fsync', 'reclaim']);
  const root = (op: (typeof operationNames)[number]) =>
    scene.machineOptions(specOf('wait', op)).mounts!['/']!;
  t.false(root('fsync').dax);
  t.true(root('truncate').dax);
});

test('linux is the newest kernel, others what was proposed, the page cache 6.1', (t) => {
  t.is(scene.machineOptions(specOf('linux', 'truncate')).kernel, '7.2');
  t.is(scene.machineOptions(specOf('wait', 'truncate')).kernel, 'proposed');
  t.is(scene.machineOptions(specOf('bounce', 'fsync')).kernel, '6.1');
});

for (const driver of driverNames) {
  test(`${driver}: the file is as long as what DMA is done to, and filled`, async (t) => {
    await onStage({ driver, policy: 'none', behaviour: 'never-leases' }, async ({ play, run }) => {
      const { admin, fileLen, spec } = play.scene;
      t.is(fileLen, spec.act.nrPages * 4096);
      const { size } = await run(() => admin.stat(scene.dataPath));
      t.is(size, fileLen);
    });
  });
}

test('the other file takes blocks, and each byte that is not its writer’s is counted', async (t) => {
  await onStage({ policy: 'none' }, async ({ play, run }) => {
    const { admin } = play.scene;
    const before = scene.freeBlocks(play.scene);
    await run(() => scene.writeOther(play.scene));
    t.true(scene.freeBlocks(play.scene) <= before - 2);
    t.is(await run(() => scene.corruptedBytes(play.scene)), 0);
    await run(async () => {
      const fd = await admin.open(scene.otherPath, ['rdwr']);
      await admin.write(fd, 5, Uint8Array.of(1, 2, 3));
      await admin.close(fd);
    });
    t.is(await run(() => scene.corruptedBytes(play.scene)), 3);
  });
});
