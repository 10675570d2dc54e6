// The tracepoints of the emulated kernel, named as the kernel's own where it has one
// (include/trace/events: sched.h, filelock.h, lock.h, mmap.h; others as mm and fs name the act).

import { Tracepoint } from './tracepoint.js';

const point = (name: string): Tracepoint => new Tracepoint(name);

export const schedSwitch = point('sched_switch');

/** Every tracepoint by its name. Slices: lock, wait, gup_pin, lease, dma. */
export const tracepoints = Object.freeze({
  contention: point('contention'),
  dax_layout_break: point('dax_layout_break'),
  dma: point('dma'),
  fault: point('fault'),
  file_free: point('file_free'),
  gup_pin: point('gup_pin'),
  gup_revoke: point('gup_revoke'),
  gup_unpin: point('gup_unpin'),
  journal_commit: point('journal_commit'),
  lease: point('lease'),
  lease_break: point('lease_break'),
  lease_timeout: point('lease_timeout'),
  lock: point('lock'),
  mmu_notifier_invalidate: point('mmu_notifier_invalidate'),
  policy: point('policy'),
  process_exit: point('process_exit'),
  reclaim: point('reclaim'),
  sched_switch: schedSwitch,
  signal: point('signal'),
  stray_dma: point('stray_dma'),
  syscall: point('syscall'),
  truncate: point('truncate'),
  unmap: point('unmap'),
  wait: point('wait'),
  workqueue: point('workqueue'),
  writeback: point('writeback'),
});

export type TracepointName = keyof typeof tracepoints;
