// definePolicy: checks a policy once, where it enters, and freezes it.

import { Errno } from '../errno.js';
import type { LayoutOp, LayoutPolicy, Promises } from './layout.js';

export const layoutOps: readonly LayoutOp[] = [
  'truncate',
  'punch',
  'zero',
  'collapse',
  'insert',
  'fallocate',
  'write',
  'evict',
];

/** The kernel rules that a policy may override. */
export const overridableRules = [
  'longtermFsdax',
  'busyScanNeedsMapping',
  'evictWaits',
  'breakScope',
  'userLayoutLeases',
  'mapDirect',
  'sealBlockMap',
  'blockMappings',
] as const;

const nameForm = /^[a-z][a-z0-9-]*(:[a-z0-9-]+)?$/;
const optionalCalls = ['admitPin', 'beforeChange', 'onLeaseEnd', 'onAccess'] as const;
const hangingOps: readonly string[] = [...layoutOps, 'unlock', 'fsync', 'reclaim', 'pin'];

/** Fill in what a policy does not say: it is safe, ends everything and leaves the holder alone. */
export function promisesOf(said: Partial<Promises> = {}): Promises {
  return {
    stray: 'never',
    mayHang: [],
    leaseOutlivesPin: false,
    longtermPin: 'granted',
    lease: said.longtermPin === 'needs-lease' ? 'F_LAYOUT' : null,
    truncateFails: [],
    holder: 'untouched',
    snapshot: 'torn',
    blocks: 'idle-first',
    ...said,
  };
}

const isObject = (v: unknown): boolean => typeof v === 'object' && v !== null;

function refuse(name: unknown, what: string): never {
  throw new Errno('EINVAL', `policy ${String(name)}: ${what}`);
}

/**
 * Check the shape of a policy and freeze it. Call it once, at module scope. EINVAL names what is
 * wrong: the name's form, a callback that is no function, a kernel rule that no policy may
 * override, a promise that contradicts another.
 */
export function definePolicy(policy: LayoutPolicy): LayoutPolicy {
  if (!isObject(policy)) refuse(policy, 'an object is needed');
  const { name, rules, promises, scope } = policy;
  if (typeof name !== 'string' || !nameForm.test(name)) {
    refuse(name, 'a name is lower-case words joined by -, and :variant');
  }
  if (typeof policy.onBusy !== 'function') refuse(name, 'onBusy is required');
  for (const call of optionalCalls) {
    if (policy[call] !== undefined && typeof policy[call] !== 'function') {
      refuse(name, `${call} is not a function`);
    }
  }
  if (scope !== 'file' && scope !== 'range') refuse(name, `scope ${String(scope)}`);
  if (!isObject(rules)) refuse(name, 'rules: an object is needed');
  if (!isObject(promises) || !Array.isArray(promises.mayHang)) {
    refuse(name, 'promises: what promisesOf() makes is needed');
  }
  for (const rule of Object.keys(rules)) {
    if (!(overridableRules as readonly string[]).includes(rule)) {
      refuse(name, `kernel rule ${rule} is not a policy's to override`);
    }
  }
  checkPromises(name, promises);
  Object.freeze(rules);
  Object.freeze(promises.mayHang);
  Object.freeze(promises.truncateFails);
  Object.freeze(promises);
  return Object.freeze(policy);
}

function checkPromises(name: string, promises: Promises): void {
  for (const op of promises.mayHang) {
    if (!hangingOps.includes(op)) refuse(name, `mayHang names ${String(op)}, no operation`);
  }
  if (promises.blocks === 'free' && promises.stray === 'never') {
    refuse(name, 'frees blocks that are referenced and promises no stray DMA');
  }
  if (promises.leaseOutlivesPin && promises.longtermPin === 'refused') {
    refuse(name, 'refuses the pins that its leases would outlive');
  }
}
