// Judgement: a cell's verdict held against what the policy promises (facts 11, policy/promises).

import type { Promises } from '../lease/layout.js';
import type { CellVerdict } from './cell.js';

/** What may befall the holder under each promise, besides nothing. */
const mayBefall: Readonly<Record<Promises['holder'], readonly string[]>> = {
  untouched: [],
  signalled: ['lost pins'],
  revoked: ['lost pins'],
  killed: ['lost pins', 'SIGBUS', 'SIGKILL'],
};

/** Each promise that was broken, as a sentence; none if the cell is as promised. */
export function breaches(verdict: CellVerdict, promises: Promises, longterm: boolean): string[] {
  const found: string[] = [];
  const { stray, pin, truncate, holder } = verdict;
  const hurt = stray.length > 0 || verdict.corruptedBytes > 0;
  if (hurt && promises.stray === 'never') found.push('bytes of DMA landed in another file');
  if (!hurt && promises.stray === 'expected' && pin === 'granted') {
    found.push('no stray DMA was found where nothing prevents it');
  }
  const refused = longterm && promises.longtermPin === 'refused';
  if (refused !== (pin !== 'granted')) {
    found.push(refused ? 'a long-term pin was granted' : `the pin was refused: ${pin}`);
  }
  if (truncate.end === 'hung' && !promises.mayHang.includes('truncate')) {
    found.push('truncate never ended');
  }
  if (truncate.end !== 'ok' && truncate.end !== 'hung') {
    const allowed: readonly string[] = promises.truncateFails;
    if (!allowed.includes(truncate.end)) found.push(`truncate failed: ${truncate.end}`);
  }
  if (holder !== 'running' && !mayBefall[promises.holder].includes(holder)) {
    found.push(`the holder was to be ${promises.holder}, but: ${holder}`);
  }
  if (verdict.leaked > 0) found.push(`${verdict.leaked} blocks never came back`);
  return found;
}
