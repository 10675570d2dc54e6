// The kernel rules that most policies override: long-term pins are let in, and nothing escapes
// the busy scan, neither a file that nobody maps nor an eviction.

import type { KernelRules } from '../kernel-rules.js';

/** Every layout change looks at the pages; long-term pins stay refused. */
export const scanAlways = {
  busyScanNeedsMapping: false,
  evictWaits: true,
} as const satisfies Partial<KernelRules>;

/** Long-term pins of DAX files are admitPin's to refuse. */
export const letPinsIn = { ...scanAlways, longtermFsdax: 'allow' } as const;

/** And applications may take layout leases, as was proposed in 2019. */
export const withLayoutLeases = { ...letPinsIn, userLayoutLeases: true } as const;
