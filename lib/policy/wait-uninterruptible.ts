// wait-uninterruptible: as `wait`, and no signal ends it, not even SIGKILL.
//
// By Alistair Popple for eviction (dax_break_layout_final, 6.15), which cannot fail.
// Objections: a hung task that nobody can kill.
// Here: every layout change waits so, not eviction alone, which shows what that costs.

import { definePolicy } from '../lease/define-policy.js';
import { promises } from './promises.js';
import { letPinsIn } from './rules.js';

export const waitUninterruptible = definePolicy({
  name: 'wait-uninterruptible',
  rules: letPinsIn,
  promises: promises['wait-uninterruptible'],
  scope: 'file',
  onBusy: () => ({ do: 'wait', uninterruptible: true }),
});
