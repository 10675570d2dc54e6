// Goal: a signal of a policy reaches those that are meant, each once, and nobody else.

import test from 'ava';
import type { Inode } from '../../lib/fs/inode.js';
import { signalHolders } from '../../lib/fs/layout-signal.js';
import type { PinnedPages } from '../../lib/mm/pinned-pages.js';

function stage() {
  const got: string[] = [];
  const process = (name: string) => ({ sendSignal: (sig: string) => got.push(`${name} ${sig}`) });
  const [a, b, c] = [process('a'), process('b'), process('c')];
  const inode = {
    mapping: { vmas: [{ mm: { process: a } }, { mm: { process: a } }, { mm: { process: null } }] },
    leases: { layoutLeases: () => [{ pid: 1 }, { pid: 2 }] },
    fs: { env: { processByPid: (pid: number) => (pid === 1 ? b : undefined) } },
  } as unknown as Inode;
  const pins = [{ origin: { process: c } }, { origin: { process: null } }];
  return { got, inode, pins: pins as unknown as PinnedPages[] };
}

for (const [whom, expected] of [
  ['mapper', 'a SIGBUS'],
  ['lease', 'b SIGBUS'],
  ['pinner', 'c SIGBUS'],
] as const) {
  test(`${whom} is told, once`, (t) => {
    const { got, inode, pins } = stage();
    signalHolders(inode, { do: 'signal', sig: 'SIGBUS', whom }, pins);
    t.deepEqual(got, [expected]);
  });
}
