// One share of the damaged images, in a process of its own: prints the report as JSON.
//
//   argv   what, stride, seed, index of the share, number of shares

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flipBytes, garbage, type DamageReport, type Share } from './damage.js';
import { cutFile, flipHeader } from './damage-file.js';

/** Each kind of damage; stride 1 is all of it. */
export const damages = {
  'a byte changed, clean': (stride: number, _seed: number, share: Share) =>
    flipBytes(true, stride, 0, share),
  'a byte changed, unclean': (stride: number, _seed: number, share: Share) =>
    flipBytes(false, stride, 0, share),
  'a byte before the data changed': (stride: number, _seed: number, share: Share) =>
    flipHeader(pathOf('header'), stride, share),
  'the file cut off': (_stride: number, _seed: number, share: Share) =>
    cutFile(pathOf('cut'), share),
  garbage: (stride: number, seed: number, share: Share) =>
    garbage(seed, Math.ceil(1000 / stride), share),
} as const satisfies Record<
  string,
  (stride: number, seed: number, share: Share) => Promise<DamageReport>
>;

export type Damage = keyof typeof damages;
export const damageNames = Object.keys(damages) as Damage[];

const pathOf = (what: string): string => join(tmpdir(), `leasehold-${what}-${process.pid}.img`);

async function child([, , what, stride, seed, index, of]: readonly string[]): Promise<void> {
  const share = { index: Number(index), of: Number(of) };
  const report = await damages[what as Damage](Number(stride), Number(seed), share);
  process.stdout.write(JSON.stringify(report));
}

if (process.argv[1]?.includes('damage-child') === true) void child(process.argv);
