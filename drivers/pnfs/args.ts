// Arguments of requests, checked where they enter. From here on they are assertions.

import { Errno } from '../../lib/driver/index.js';
import type { RecallAnswer, WriteJob } from './block-client.js';
import type { LayoutGetArg } from './server.js';

type Fields = Record<string, unknown>;

function checkObject(name: string, v: unknown): Fields {
  if (typeof v !== 'object' || v === null || Array.isArray(v)) {
    throw new Errno('EINVAL', `${name}: an object is needed, not ${String(v)}`);
  }
  return v as Fields;
}

function checkInt(name: string, v: unknown, min = 0, max = Number.MAX_SAFE_INTEGER): number {
  if (typeof v !== 'number' || !Number.isSafeInteger(v) || v < min || v > max) {
    throw new Errno('EINVAL', `${name}: ${String(v)} is not a whole number of ${min}..${max}`);
  }
  return v;
}

export const checkStateid = (v: unknown): number =>
  checkInt('stateid', checkObject('request', v)['stateid']);

export function checkRange(v: unknown): { pos: number; len: number } {
  const arg = checkObject('request', v);
  const pos = checkInt('pos', arg['pos']);
  return { pos, len: checkInt('len', arg['len'], 1, Number.MAX_SAFE_INTEGER - pos) };
}

export function checkLayoutGet(v: unknown): LayoutGetArg {
  const arg = checkObject('LAYOUTGET', v);
  const iomode = arg['iomode'];
  if (iomode !== 'read' && iomode !== 'rw') {
    throw new Errno('EINVAL', `iomode: ${String(iomode)} is neither read nor rw`);
  }
  return { fd: checkInt('fd', arg['fd']), ...checkRange(v), iomode };
}

export function checkData(v: unknown): { pos: number; data: Uint8Array } {
  const { pos, data } = checkObject('WRITE', v);
  if (!(data instanceof Uint8Array)) throw new Errno('EINVAL', 'data: not bytes');
  return { pos: checkInt('pos', pos), data };
}

export function checkJob(v: unknown): WriteJob {
  const arg = checkObject('START', v);
  return {
    ...checkRange(v),
    byte: checkInt('byte', arg['byte'], 0, 255),
    periodNs: checkInt('periodNs', arg['periodNs'], 1),
  };
}

export function checkAnswer(v: unknown): RecallAnswer {
  const { answer } = checkObject('SET_RECALL', v);
  if (answer === 'return' || answer === 'ignore') return answer;
  return { afterNs: checkInt('afterNs', checkObject('answer', answer)['afterNs']) };
}
