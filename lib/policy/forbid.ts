// forbid: a long-term pin of a DAX file is EOPNOTSUPP.
//
// Proposed by Christoph Hellwig as stage one (October 2017), written by Dan Williams, merged.
// Objections: "only temporary" (Dan); nothing that registers memory can use a DAX file.
// Here: the refusal is the kernel rule longtermFsdax, whatever the kernel; device-dax, on-demand
// paging and short pins stay allowed, and short pins are waited for without the holes of `linux`.

import { definePolicy } from '../lease/define-policy.js';
import { promises } from './promises.js';
import { scanAlways } from './rules.js';

export const forbid = definePolicy({
  name: 'forbid',
  rules: { ...scanAlways, longtermFsdax: 'EOPNOTSUPP' },
  promises: promises.forbid,
  scope: 'file',
  onBusy: () => ({ do: 'wait' }),
});
