// REQBUFS, CREATE_BUFS and REMOVE_BUFS: buffers come and go.
//
// REQBUFS(0) orphans: pages that an application still maps or another device imports live on
// without their buffer (V4L2_BUF_CAP_SUPPORTS_ORPHANED_BUFS, since 4.20). videobuf2-core.c.

import assert from 'node:assert/strict';
import { isErrno } from '../../lib/driver/index.js';
import { type MemoryKind, VB2Buffer } from './buffer.js';
import type { QueueSetup } from './vb2-ops.js';
import type { VB2Queue } from './vb2-queue.js';

/** vb2_core_reqbufs(). Returns how many there are now; 0 freed them all. */
export function requestBuffers(
  q: VB2Queue,
  memory: MemoryKind,
  count: number,
  nonCoherent = false,
): number {
  if (q.streaming) throw q.refusal('EBUSY', 'streaming');
  if (q.waitingInDqbuf && count > 0) throw q.refusal('EBUSY', 'a task waits for a buffer');
  const other = q.memory !== 'UNKNOWN' && q.memory !== memory;
  if (count === 0 || q.buffers.size > 0 || other || nonCoherent !== q.nonCoherent) {
    checkPreparing(q);
    q.cancel();
    freeBuffers(q, [...q.buffers.values()]);
    q.allocatedSinceFree = false;
    if (count === 0) return 0;
  }
  const { minReqbufsAllocation, minQueuedBuffers, maxBuffers } = q.opts;
  const wanted = Math.min(Math.max(count, minReqbufsAllocation, minQueuedBuffers), maxBuffers);
  q.memory = memory;
  q.nonCoherent = nonCoherent && cacheHints(q, memory);
  const setup = setupOrReset(q, wanted, null);
  const nrAllocated = addBuffers(q, setup).length;
  if (nrAllocated === 0 || nrAllocated < Math.max(minReqbufsAllocation, minQueuedBuffers)) {
    freeBuffers(q, [...q.buffers.values()]);
    throw q.refusal('ENOMEM', `${nrAllocated} of ${setup.nrBuffers} buffers`);
  }
  q.waitingForBuffers = !q.isOutput;
  q.allocatedSinceFree = true;
  return nrAllocated;
}

/** vb2_core_create_bufs(). sizes: bytes of each plane, at least what the driver needs. */
export function createBuffers(
  q: VB2Queue,
  memory: MemoryKind,
  count: number,
  sizes: readonly number[],
  nonCoherent = false,
): { index: number; count: number } {
  const room = q.opts.maxBuffers - q.buffers.size;
  if (room === 0) throw q.refusal('ENOBUFS', `it has ${q.buffers.size} buffers already`);
  const first = q.buffers.size === 0;
  if (first) {
    if (q.waitingInDqbuf && count > 0) throw q.refusal('EBUSY', 'a task waits for a buffer');
    q.memory = memory;
    q.waitingForBuffers = !q.isOutput;
    q.nonCoherent = nonCoherent && cacheHints(q, memory);
  } else {
    if (q.memory !== memory) throw q.refusal('EINVAL', `its buffers are ${q.memory}`);
    if (q.nonCoherent !== nonCoherent) throw q.refusal('EINVAL', 'the coherency differs');
  }
  const setup = setupOrReset(q, Math.min(count, room), sizes);
  const added = addBuffers(q, setup);
  const index = added[0]?.index;
  if (index === undefined) {
    if (first) q.memory = 'UNKNOWN';
    throw q.refusal('ENOMEM', 'no buffer could be allocated');
  }
  q.allocatedSinceFree = true;
  return { index, count: added.length };
}

/** vb2_core_remove_bufs(): buffers [start, start + count) go, leaving a hole. */
export function removeBuffers(q: VB2Queue, start: number, count: number): void {
  if (count === 0) return;
  if (count > q.buffers.size) throw q.refusal('EINVAL', `it has no ${count} buffers`);
  if (start > q.opts.maxBuffers - count) throw q.refusal('EINVAL', `there is no buffer ${start}`);
  const going: VB2Buffer[] = [];
  for (let index = start; index < start + count; index++) {
    const vb = q.buffer(index);
    if (vb.state !== 'DEQUEUED') throw q.refusal('EBUSY', `buffer ${index} is ${vb.state}`);
    going.push(vb);
  }
  freeBuffers(q, going);
}

/** __vb2_queue_free(). The buffers are the queue's: none is the driver's. */
export function freeBuffers(q: VB2Queue, going: readonly VB2Buffer[]): void {
  for (const vb of going) {
    assert(vb.state === 'DEQUEUED', `buffer ${vb.index} is freed while ${vb.state}`);
    q.putMemory(vb);
    q.buffers.delete(vb.index);
  }
  if (q.buffers.size > 0) return;
  q.memory = 'UNKNOWN';
  q.nonCoherent = false;
}

/** vb2_core_queue_release(): the owner is gone. */
export function releaseQueue(q: VB2Queue): void {
  q.cancel();
  freeBuffers(q, [...q.buffers.values()]);
  q.allocatedSinceFree = false;
  const { memoryTaken, memoryPut, bufQueue, bufDone } = q.counters;
  assert.equal(memoryTaken, memoryPut, `${q.opts.name}: memory left behind`);
  assert.equal(bufQueue, bufDone, `${q.opts.name}: buffers left with the driver`);
}

export const cacheHints = (q: VB2Queue, memory: MemoryKind): boolean =>
  q.opts.allowCacheHints === true && memory === 'MMAP';

function checkPreparing(q: VB2Queue): void {
  for (const vb of q.buffers.values()) {
    if (vb.state !== 'PREPARING') continue;
    assert(q.opts.rules.preparingRefusesFree, `buffer ${vb.index} is freed while PREPARING`);
    throw q.refusal('EAGAIN', `buffer ${vb.index} is being prepared`);
  }
}

/** Ask the driver; a refusal leaves a queue without buffers as it was. */
function setupOrReset(q: VB2Queue, nrBuffers: number, sizes: readonly number[] | null): QueueSetup {
  try {
    const nrAllocated = q.buffers.size;
    const fileIO = q.fileIO !== null;
    return q.opts.ops.queueSetup({ nrBuffers, nrAllocated, sizes, fileIO });
  } catch (e) {
    if (q.buffers.size === 0) q.memory = 'UNKNOWN';
    throw e;
  }
}

/** __vb2_queue_alloc(): as many as there is memory for, at the first free run of indexes. */
function addBuffers(q: VB2Queue, setup: QueueSetup): VB2Buffer[] {
  const room = q.opts.maxBuffers - q.buffers.size;
  const start = freeRun(q, Math.min(setup.nrBuffers, room));
  const added: VB2Buffer[] = [];
  for (let index = start.index; index < start.index + start.nr; index++) {
    const vb = new VB2Buffer(index, q.memory, setup.sizes);
    if (q.memory === 'MMAP' && !allocate(q, vb)) break;
    q.buffers.set(index, vb);
    added.push(vb);
  }
  return added;
}

/** __vb2_buf_mem_alloc(): all planes, or none. */
function allocate(q: VB2Queue, vb: VB2Buffer): boolean {
  try {
    const label = `${q.opts.name} buffer ${vb.index}`;
    for (const plane of vb.planes) {
      plane.memory = q.opts.memory.alloc(plane.length, q.dir, label);
      q.counters.memoryTaken++;
    }
  } catch (e) {
    q.putMemory(vb);
    if (!isErrno(e, 'ENOMEM')) throw e;
    return false;
  }
  return true;
}

/** The first run of nr free indexes, or of as many as there are. */
function freeRun(q: VB2Queue, nr: number): { index: number; nr: number } {
  for (let want = nr; want > 0; want--) {
    let run = 0;
    for (let index = 0; index < q.opts.maxBuffers; index++) {
      run = q.buffers.has(index) ? 0 : run + 1;
      if (run === want) return { index: index - want + 1, nr: want };
    }
  }
  return { index: 0, nr: 0 };
}
