// Goal: on a whole machine, with real memory and a real driver, every policy ends as it should.
// Method: one RDMA region over a DAX file, one truncate; the holder reacts to nothing.

import test, { type ExecutionContext } from 'ava';
import rdma from '../../drivers/rdma/index.js';
import { isErrno } from '../../lib/errno.js';
import type { KernelName } from '../../lib/kernel-rules.js';
import { policyNamed, type PolicyId } from '../../lib/policy/index.js';
import { KiB, MiB, seconds } from '../../lib/units.js';
import { balancedMachine } from '../support/machine.js';

interface Ending {
  readonly reg: string;
  readonly truncate: string;
  readonly tookNs: number;
  readonly signals: readonly string[];
  readonly stray: number;
}

/** As much of the verbs as registering takes. */
interface Verbs {
  allocPD(): Promise<unknown>;
  regMR(pd: unknown, addr: number, len: number, access: readonly string[]): Promise<unknown>;
}

const answer = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'ok',
    (e: unknown) => {
      if (isErrno(e)) return e.code;
      throw e;
    },
  );

async function ending(t: ExecutionContext, policy: PolicyId, kernel: KernelName): Promise<Ending> {
  await using machine = await balancedMachine(t, {
    size: 16 * MiB,
    kernel,
    mounts: { '/': { flavor: 'ext4', dax: true, policy } },
    drivers: [rdma],
    clock: 'virtual',
    seed: 7,
  });
  const { lease } = policyNamed(policy).promises;
  const { sched } = machine;
  const signals: string[] = [];
  const app = machine.spawn('app');
  const at = () => `${Math.round(machine.clock.nowNs / 1e9)} s`;
  for (const sig of ['SIGIO', 'SIGBUS'] as const) {
    app.on(sig, () => {
      signals.push(`${sig} ${at()}`);
    });
  }
  const len = 64 * KiB;
  const fd = await app.open('/data', ['rdwr', 'creat']);
  await app.write(fd, 0, new Uint8Array(len));
  const direct = lease === 'MAP_DIRECT';
  const addr = await app.mmap({ fd, len, prot: 'rw', share: 'shared', direct });
  if (lease === 'SEAL') await app.ioctl(fd, 'FS_IOC_SEAL_BLOCK_MAP');
  else if (lease !== null && lease !== 'MAP_DIRECT') await app.setLease(fd, lease);
  const ctx = (await app.openDevice('rdma0')) as unknown as Verbs;
  const pd = await ctx.allocPD();
  const reg = await answer(ctx.regMR(pd, addr, len, ['local_write']));
  const startNs = machine.clock.nowNs;
  const call = answer(machine.spawn('admin').truncate('/data', 0));
  const ended = await sched.runUntil(call, seconds(600));
  const tookNs = ended ? machine.clock.nowNs - startNs : Infinity;
  const stray = machine.referee.verdict().stray.length;
  return { reg, truncate: ended ? await call : 'hung', tookNs, signals, stray };
}

const rows: [PolicyId, KernelName, string, string, number, string[]][] = [
  ['linux', '6.1', 'EOPNOTSUPP', 'ok', 0, []],
  ['linux', '7.2', 'EOPNOTSUPP', 'ok', 0, []],
  ['forbid', 'proposed', 'EOPNOTSUPP', 'ok', 0, []],
  ['odp', '7.2', 'EOPNOTSUPP', 'ok', 0, []],
  ['wait', '7.2', 'ok', 'hung', Infinity, []],
  ['wait-uninterruptible', '7.2', 'ok', 'hung', Infinity, []],
  ['ebusy', '6.12', 'ok', 'EBUSY', 0, []],
  ['etxtbsy', 'proposed', 'ok', 'ETXTBSY', 0, []],
  ['lease-break', 'proposed', 'ok', 'ok', 45, ['SIGIO 0 s']],
  ['lease-break', '6.12', 'ok', 'ok', 45, ['SIGIO 0 s']],
  ['lease-break:hang', 'proposed', 'ok', 'hung', Infinity, ['SIGIO 0 s']],
  ['lease-break:fail', 'proposed', 'ok', 'EBUSY', 45, ['SIGIO 0 s']],
  ['lease-break:sigbus', 'proposed', 'ok', 'hung', Infinity, ['SIGIO 0 s', 'SIGBUS 45 s']],
  ['lease-break:revoke', 'proposed', 'ok', 'ok', 45, ['SIGIO 0 s']],
  ['lease-break:orphan', 'proposed', 'ok', 'ok', 45, ['SIGIO 0 s']],
  ['lease-break:ladder', 'proposed', 'ok', 'ok', 50, ['SIGIO 0 s', 'SIGBUS 45 s']],
  ['lease-break:implicit', 'proposed', 'ok', 'ok', 50, ['SIGIO 0 s', 'SIGBUS 45 s']],
  ['lease-required', 'proposed', 'ok', 'hung', Infinity, ['SIGIO 0 s']],
  ['lease-required:fail', '6.12', 'ok', 'EBUSY', 45, ['SIGIO 0 s']],
  ['block-device', '6.12', 'ok', 'hung', Infinity, ['SIGIO 0 s']],
  ['map-direct', 'proposed', 'ok', 'ok', 45, ['SIGIO 0 s']],
  ['revoke', 'proposed', 'ok', 'ok', 0, []],
  ['orphan', 'proposed', 'ok', 'ok', 0, []],
  ['busy-extent', 'proposed', 'ok', 'ok', 0, []],
  ['immutable', 'proposed', 'ok', 'EPERM', 0, []],
  ['recall-fence', 'proposed', 'ok', 'ok', 180, ['SIGIO 0 s']],
  ['none', 'proposed', 'ok', 'ok', 0, []],
];

for (const [policy, kernel, reg, truncate, tookSeconds, signals] of rows) {
  const after = tookSeconds === Infinity ? '' : ` after ${tookSeconds} s`;
  test(`${policy} on ${kernel}: registration ${reg}, truncate ${truncate}${after}`, async (t) => {
    const end = await ending(t, policy, kernel);
    t.is(end.reg, reg);
    t.is(end.truncate, truncate);
    t.is(end.tookNs, tookSeconds * 1e9);
    t.deepEqual(end.signals, signals);
    t.is(end.stray, 0, 'no DMA is under way');
  });
}
