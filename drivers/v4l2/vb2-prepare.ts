// __buf_prepare(): takes the memory of a buffer before it is queued.
//
//   MMAP     has it already
//   USERPTR  same pointer and length: nothing to do; else the old pins go, then the new are taken
//   DMABUF   same file and length: nothing to do; else detach, then attach
//
// A refusal gives the buffer back its former state; user memory that was held for another pointer
// is gone by then, as in videobuf2-core.c:__prepare_userptr. Facts 6.3.

import assert from 'node:assert/strict';
import type { Caller } from '../../lib/driver/index.js';
import type { PlaneInfo, VB2Buffer, VB2Plane } from './buffer.js';
import type { VB2Queue } from './vb2-queue.js';

/** EIO after a fatal error; what bufPrepare and the memory answer. */
export async function prepareBuffer(q: VB2Queue, caller: Caller, vb: VB2Buffer): Promise<void> {
  if (q.error) throw q.refusal('EIO', 'a fatal error stopped it');
  if (vb.memoryKind === 'MMAP') return prepareMmap(q, vb);
  vb.state = 'PREPARING';
  try {
    await takeMemory(q, caller, vb);
    finish(q, vb);
  } finally {
    vb.state = 'DEQUEUED';
  }
}

/** __prepare_mmap(). */
export function prepareMmap(q: VB2Queue, vb: VB2Buffer): void {
  finish(q, vb);
}

function finish(q: VB2Queue, vb: VB2Buffer): void {
  for (const plane of vb.planes) takeOver(vb, plane);
  if (q.opts.timestamps !== 'COPY') vb.timestampNs = 0;
  prepareInDriver(q, vb);
  vb.prepared = true;
}

/** bufPrepare; its refusal gives user memory back (the err label of __prepare_userptr). */
function prepareInDriver(q: VB2Queue, vb: VB2Buffer): void {
  try {
    q.opts.ops.bufPrepare?.(vb);
  } catch (e) {
    if (vb.memoryKind !== 'MMAP') dropMemory(q, vb);
    throw e;
  }
}

const wantedOf = (vb: VB2Buffer, plane: VB2Plane): PlaneInfo => {
  assert(plane.wanted !== null, `buffer ${vb.index}: nothing was checked`);
  return plane.wanted;
};

function takeOver(vb: VB2Buffer, plane: VB2Plane): void {
  const wanted = wantedOf(vb, plane);
  plane.bytesused = wanted.bytesused;
  plane.dataOffset = wanted.dataOffset;
  if (vb.memoryKind === 'MMAP') return;
  plane.length = wanted.length;
  plane.userptr = wanted.userptr;
  plane.dmabuf = wanted.dmabuf;
}

/** The err label: nothing is held, every plane is empty. */
function dropMemory(q: VB2Queue, vb: VB2Buffer): void {
  for (const plane of vb.planes) dropPlane(q, plane);
}

/** Of one plane, also before it gets another memory. */
function dropPlane(q: VB2Queue, plane: VB2Plane): void {
  q.putPlane(plane);
  plane.userptr = 0;
  plane.dmabuf = null;
  plane.length = 0;
}

/** __prepare_userptr(), __prepare_dmabuf(): plane by plane; a refusal lets go of them all. */
async function takeMemory(q: VB2Queue, caller: Caller, vb: VB2Buffer): Promise<void> {
  try {
    for (const plane of vb.planes) {
      const wanted = wantedOf(vb, plane);
      if (vb.memoryKind === 'USERPTR') await takeUserptr(q, caller, vb, plane, wanted);
      else takeDmabuf(q, vb, plane, wanted);
    }
    if (vb.planes.some(({ memory }) => memory === null)) {
      throw q.refusal('EFAULT', `buffer ${vb.index}: memory was taken back meanwhile`);
    }
  } catch (e) {
    dropMemory(q, vb);
    throw e;
  }
}

async function takeUserptr(
  q: VB2Queue,
  caller: Caller,
  vb: VB2Buffer,
  plane: VB2Plane,
  { userptr, length }: PlaneInfo,
): Promise<void> {
  const same = userptr !== 0 && plane.userptr === userptr && plane.length === length;
  if (plane.memory !== null && same) return;
  if (length < plane.minLength) {
    throw q.refusal('EINVAL', `${length} bytes at ${userptr}, but ${plane.minLength} are needed`);
  }
  dropPlane(q, plane);
  const range = { addr: userptr, len: length };
  plane.memory = await q.opts.memory.getUserptr(caller, range, q.dir, (task) => q.revoke(task, vb));
  q.counters.memoryTaken++;
}

function takeDmabuf(q: VB2Queue, vb: VB2Buffer, plane: VB2Plane, wanted: PlaneInfo): void {
  const { dmabuf } = wanted;
  if (dmabuf === null || dmabuf.closed) throw q.refusal('EINVAL', 'dmabuf: no open dma-buf');
  if (wanted.length === 0) wanted.length = dmabuf.len;
  const { length } = wanted;
  if (length < plane.minLength) {
    throw q.refusal('EINVAL', `${length} bytes, but ${plane.minLength} are needed`);
  }
  if (plane.memory !== null && plane.dmabuf === dmabuf && plane.length === length) return;
  dropPlane(q, plane);
  plane.memory = q.opts.memory.attachDmabuf(dmabuf, length, q.dir, (task) => q.revoke(task, vb));
  q.counters.memoryTaken++;
}
