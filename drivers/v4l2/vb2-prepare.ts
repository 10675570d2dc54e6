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
import type { PlaneInfo, VB2Buffer } from './buffer.js';
import type { VB2Queue } from './vb2-queue.js';

/** EIO after a fatal error; what bufPrepare and the memory answer. */
export async function prepareBuffer(q: VB2Queue, caller: Caller, vb: VB2Buffer): Promise<void> {
  if (q.error) throw q.refusal('EIO', 'a fatal error stopped it');
  const wanted = vb.wanted;
  assert(wanted !== null, `buffer ${vb.index}: nothing was checked`);
  if (vb.memoryKind === 'MMAP') return prepareMmap(q, vb);
  vb.state = 'PREPARING';
  try {
    if (vb.memoryKind === 'USERPTR') await takeUserptr(q, caller, vb, wanted);
    else takeDmabuf(q, vb, wanted);
    finish(q, vb, wanted);
  } finally {
    vb.state = 'DEQUEUED';
  }
}

/** __prepare_mmap(). */
export function prepareMmap(q: VB2Queue, vb: VB2Buffer): void {
  assert(vb.wanted !== null, `buffer ${vb.index}: nothing was checked`);
  finish(q, vb, vb.wanted);
}

function finish(q: VB2Queue, vb: VB2Buffer, wanted: PlaneInfo): void {
  takeOver(vb, wanted);
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

function takeOver(vb: VB2Buffer, wanted: PlaneInfo): void {
  vb.bytesused = wanted.bytesused;
  vb.dataOffset = wanted.dataOffset;
  if (vb.memoryKind === 'MMAP') return;
  vb.length = wanted.length;
  vb.userptr = wanted.userptr;
  vb.dmabuf = wanted.dmabuf;
}

/** The err label: nothing is held, the plane is empty. */
function dropMemory(q: VB2Queue, vb: VB2Buffer): void {
  q.putMemory(vb);
  vb.userptr = 0;
  vb.dmabuf = null;
  vb.length = 0;
}

async function takeUserptr(
  q: VB2Queue,
  caller: Caller,
  vb: VB2Buffer,
  wanted: PlaneInfo,
): Promise<void> {
  const { userptr, length } = wanted;
  const same = userptr !== 0 && vb.userptr === userptr && vb.length === length;
  if (vb.memory !== null && same) return;
  try {
    if (length < vb.minLength) {
      throw q.refusal('EINVAL', `${length} bytes at ${userptr}, but ${vb.minLength} are needed`);
    }
    dropMemory(q, vb);
    const range = { addr: userptr, len: length };
    vb.memory = await q.opts.memory.getUserptr(caller, range, q.dir, (task) => q.revoke(task, vb));
    q.counters.memoryTaken++;
  } catch (e) {
    dropMemory(q, vb);
    throw e;
  }
}

function takeDmabuf(q: VB2Queue, vb: VB2Buffer, wanted: PlaneInfo): void {
  try {
    const { dmabuf } = wanted;
    if (dmabuf === null || dmabuf.closed) throw q.refusal('EINVAL', 'dmabuf: no open dma-buf');
    if (wanted.length === 0) wanted.length = dmabuf.len;
    if (wanted.length < vb.minLength) {
      throw q.refusal('EINVAL', `${wanted.length} bytes, but ${vb.minLength} are needed`);
    }
    if (vb.memory !== null && vb.dmabuf === dmabuf && vb.length === wanted.length) return;
    dropMemory(q, vb);
    const { length } = wanted;
    vb.memory = q.opts.memory.attachDmabuf(dmabuf, length, q.dir, (task) => q.revoke(task, vb));
    q.counters.memoryTaken++;
  } catch (e) {
    dropMemory(q, vb);
    throw e;
  }
}
