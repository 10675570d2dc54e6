// Lists of local buffers, made into pieces of regions (rxe_mr.c: copy_data, lookup_mr).
//
// A list is good up to the first byte that no region of the queue pair's domain allows. Errors fall
// on packets: of a list that is good for 5000 bytes, packets of 1024 carry 4096.

import { Errno } from '../../lib/driver/index.js';
import type { Hca } from './hca.js';
import type { MemoryKey } from './memory-key.js';
import { RegionFault } from './memory-key.js';
import type { Piece } from './payload.js';
import type { SGE } from './work-request.js';

export interface ResolvedList {
  readonly pieces: readonly Piece[];
  /** Bytes that may be moved: all of them, or whole packets before the bad one. */
  readonly goodLen: number;
  /** What was wrong with the first bad byte. null: all is good. */
  readonly refusal: 'key' | 'range' | null;
}

/** lookup_mr for a local key: of this domain, with this right (0: none needed), and VALID. */
export function lookupLocal(
  hca: Hca,
  pd: number,
  access: number,
  lkey: number,
): MemoryKey | undefined {
  const key = hca.regions.get(lkey);
  if (key === undefined || key.lkey !== lkey || key.pd !== pd) return undefined;
  if (access !== 0 && (key.access & access) === 0) return undefined;
  return key.state === 'VALID' ? key : undefined;
}

function pieceOf(hca: Hca, pd: number, access: number, sge: SGE, key: MemoryKey): Piece {
  return {
    len: sge.len,
    pos: sge.addr - key.iova,
    region() {
      const now = lookupLocal(hca, pd, access, sge.lkey);
      if (now === undefined || !now.covers(sge.addr, sge.len)) {
        throw new RegionFault(`lkey ${sge.lkey}: no longer allowed`);
      }
      return now;
    },
  };
}

/** Resolve the first len bytes of a list. EINVAL is for lists that hold fewer. */
export function resolveList(
  hca: Hca,
  list: { readonly pd: number; readonly access: number; readonly sgList: readonly SGE[] },
  len: number,
  mtu: number,
): ResolvedList {
  const { pd, access, sgList } = list;
  const pieces: Piece[] = [];
  let left = len;
  for (const sge of sgList) {
    if (left === 0) break;
    const want = Math.min(left, sge.len);
    if (want === 0) continue;
    const key = lookupLocal(hca, pd, access, sge.lkey);
    const good = key === undefined ? 0 : goodBytes(key, sge.addr, want);
    const part = { ...sge, len: good };
    if (good > 0 && key !== undefined) pieces.push(pieceOf(hca, pd, access, part, key));
    if (good < want) {
      const upTo = len - left + good;
      const refusal = key === undefined ? 'key' : 'range';
      return { pieces, goodLen: upTo - (upTo % mtu), refusal };
    }
    left -= want;
  }
  if (left > 0) throw new Errno('EINVAL', `the list is ${left} bytes short of ${len}`);
  return { pieces, goodLen: len, refusal: null };
}

/** How many of [addr, addr + want) lie in the region, from the first on. */
function goodBytes(key: MemoryKey, addr: number, want: number): number {
  if (addr < key.iova) return 0;
  return Math.max(0, Math.min(want, key.iova + key.len - addr));
}
