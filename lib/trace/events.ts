// The tracepoints of the emulated kernel, named as the kernel's own where it has one
// (include/trace/events: sched.h, filelock.h, lock.h, mmap.h; others as mm and fs name the act).
//
// Slices, with begin() and end(): gup_pin (one pin, until unpinned), lease (until it ends),
// lock, syscall, truncate, wait, writeback. All others are moments, with emit().

import { Tracepoint } from './tracepoint.js';

const point = (name: string): Tracepoint => new Tracepoint(name);

/** Every tracepoint by its name. Keep sorted. */
export const tracepoints = Object.freeze({
  block_alloc: point('block_alloc'),
  block_free: point('block_free'),
  dax_layout_break: point('dax_layout_break'),
  dma: point('dma'),
  fault: point('fault'),
  gup_pin: point('gup_pin'),
  gup_revoke: point('gup_revoke'),
  gup_unpin: point('gup_unpin'),
  iommu_fault: point('iommu_fault'),
  journal_commit: point('journal_commit'),
  lease: point('lease'),
  lease_break: point('lease_break'),
  lease_timeout: point('lease_timeout'),
  lock: point('lock'),
  mmu_notifier_invalidate: point('mmu_notifier_invalidate'),
  policy: point('policy'),
  process_exit: point('process_exit'),
  reclaim: point('reclaim'),
  sched_switch: point('sched_switch'),
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
export const tracepointNames = Object.keys(tracepoints) as TracepointName[];
