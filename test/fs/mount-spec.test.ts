// Goal: what is asked of mkfs and mount is refused by the part that is wrong, and a good request
// by nothing. Bad values of every part: test/integrity/file-system.test.ts.

import test from 'ava';
import { checkMkfs, checkMount, checkPartition } from '../../lib/fs/mount-spec.js';
import type { FileSystemSpec } from '../../lib/fs/file-system.js';
import { policies } from '../../lib/policy/index.js';
import { FsMachine, MiB } from './fs-fixture.js';

test('a partition is whole pages inside the device', async (t) => {
  const m = new FsMachine();
  const { device } = m;
  t.notThrows(() => checkPartition('mount', device, 0, device.len));
  t.notThrows(() => checkPartition('mount', device, device.len - 4096, 4096));
  for (const [startPos, len, part] of [
    [0, 0, 'len'],
    [0, 100, 'len 100'],
    [1, 4096, 'startPos 1'],
    [device.len, 4096, 'no partition'],
    [NaN, 4096, 'startPos'],
  ] as const) {
    const message = new RegExp(`^EINVAL: mount: .*${part}`);
    t.throws(() => checkPartition('mount', device, startPos, len), { message });
  }
  await m.end(t);
});

test('tmpfs needs no device and has no DAX; the others need pages', async (t) => {
  const m = new FsMachine();
  const spec: FileSystemSpec = {
    ...{ device: m.device, region: m.mm.pages.regions[1]!, startPos: 0, len: MiB },
    ...{ flavor: 'ext4', dax: true, policy: policies.linux, mountId: 1 },
  };
  const ram = { ...spec, flavor: 'tmpfs', dax: false, device: null, region: null } as const;
  t.notThrows(() => checkMount(m.env, spec));
  t.notThrows(() => checkMount(m.env, ram));
  for (const dax of [true, 'always', 'inode'] as const) {
    t.throws(() => checkMount(m.env, { ...ram, dax }), { message: /^EINVAL: mount: dax/ });
  }
  for (const dax of ['always', 'inode', 'never', false] as const) {
    t.notThrows(() => checkMount(m.env, { ...spec, dax }));
  }
  for (const dax of ['bogus', 1, undefined] as never[]) {
    t.throws(() => checkMount(m.env, { ...spec, dax }), { message: /^EINVAL: mount: dax/ });
  }
  t.throws(() => checkMount(m.env, { ...spec, device: null }), { message: /^EINVAL.*device/ });
  t.notThrows(() => checkMkfs(m.device, { startPos: 0, len: MiB, flavor: 'xfs' }));
  await m.end(t);
});
