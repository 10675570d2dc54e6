// Random programs of system calls on a small machine: two tasks, a call or two each, on one file.
// What they end with is what every call answered and what the referee saw.

import nullDriver from '../../drivers/null/index.js';
import { machineWorld, type Scenario } from '../../lib/explore/index.js';
import type { Machine, Process } from '../../lib/index.js';
import { Prng } from '../../lib/sched/index.js';
import { PAGE_SIZE } from '../../lib/units.js';

const page = (byte: number): Uint8Array => new Uint8Array(PAGE_SIZE).fill(byte);
const policies = ['linux', 'none', 'revoke', 'orphan', 'busy-extent', 'lease-break'] as const;
const kernels = ['6.1', '6.12', '7.2', 'proposed'] as const;

interface Stage {
  readonly process: Process;
  readonly app: Process;
  readonly fd: number;
  readonly other: number;
  readonly device: number;
  readonly addr: number;
  readonly pipe: readonly [from: number, into: number];
}

type Call = (stage: Stage) => Promise<unknown>;

const calls: Readonly<Record<string, Call>> = {
  truncate: ({ process }) => process.truncate('/data', 0),
  shorten: ({ process }) => process.truncate('/data', PAGE_SIZE),
  write: ({ process, fd }) => process.write(fd, 0, page(5)),
  append: ({ process, fd }) => process.write(fd, 2 * PAGE_SIZE, page(8)),
  punch: ({ process, fd }) => process.fallocate(fd, 'punch', 0, PAGE_SIZE),
  collapse: ({ process, fd }) => process.fallocate(fd, 'collapse', 0, PAGE_SIZE),
  unlink: ({ process }) => process.unlink('/data'),
  rename: ({ process }) => process.rename('/data', '/moved'),
  stat: async ({ process }) => (await process.stat('/data')).size,
  statfs: async ({ process }) => (await process.statfs('/')).free,
  create: ({ process }) => process.open('/new', ['rdwr', 'creat', 'excl']),
  writeOther: ({ process, other }) => process.write(other, 0, page(9)),
  load: ({ app, addr }) => app.load(addr, 1),
  store: ({ app, addr }) => app.store(addr, page(6).subarray(0, 1)),
  fill: ({ app, device, addr }) => app.ioctl(device, 'FILL', { addr, len: PAGE_SIZE }),
  splice: ({ app, pipe, addr }) => app.vmsplice(pipe[1], addr, PAGE_SIZE),
  munmap: ({ app, addr }) => app.munmap(addr, PAGE_SIZE),
};

async function answerOf(call: Promise<unknown>): Promise<string> {
  try {
    const value = await call;
    return value instanceof Uint8Array ? `byte ${value[0]}` : String(value);
  } catch (e) {
    const { code, name } = e as { code?: string; name: string };
    if (code === undefined && name !== 'MemoryFault') throw e;
    return code ?? name;
  }
}

/** The same seed gives the same program. */
export function machineProgram(seed: number): Scenario<Machine> {
  const prng = new Prng(seed);
  const pick = <T>(list: readonly T[]): T => list[prng.below(list.length)]!;
  const policy = pick(policies);
  const kernel = pick(kernels);
  const names = Object.keys(calls);
  const plans = [0, 1].map(() => Array.from({ length: 1 + prng.below(2) }, () => pick(names)));
  return {
    name: `program-${seed}`,
    title: `${policy}, ${kernel}: ${plans.map((plan) => plan.join(', ')).join(' | ')}`,
    world: machineWorld({ kernel, policy, drivers: [nullDriver] }),
    async body(race, machine) {
      const app = machine.spawn('app');
      const admin = machine.spawn('admin');
      for (const process of [app, admin]) process.on('SIGBUS', () => {});
      const fd = await app.open('/data', ['rdwr', 'creat']);
      await app.write(fd, 0, page(1));
      await app.write(fd, PAGE_SIZE, page(2));
      const mapping = { fd, len: 2 * PAGE_SIZE, prot: 'rw', share: 'shared' } as const;
      const addr = await app.mmap(mapping);
      await app.store(addr, page(3).subarray(0, 1));
      const pipe = await app.pipe();
      const device = await app.open('/dev/null0', ['rdwr']);
      const answers: string[][] = [[], []];
      for (const [i, process] of [app, admin].entries()) {
        const own = i === 0 ? fd : await process.open('/data', ['rdwr']);
        const other = await process.open('/other', ['rdwr', 'creat']);
        const stage = { process, app, fd: own, other, device, addr, pipe };
        race.task(process.name, async () => {
          for (const name of plans[i]!) {
            answers[i]!.push(`${name} ${await answerOf(calls[name]!(stage))}`);
          }
        });
      }
      race.outcome(() => {
        const { stray, reused } = machine.referee.verdict();
        return `${answers.flat().join(', ')}: ${stray.length} stray, ${reused.length} reused`;
      });
    },
  };
}
