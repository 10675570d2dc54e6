// vb2_fill_vb2_v4l2_buffer(): what an application may say of a buffer, checked and kept.

import type { BufFlag, V4L2BufferArg, VB2Buffer } from './buffer.js';
import { cacheHints } from './vb2-alloc.js';
import type { VB2Queue } from './vb2-queue.js';

const cacheFlags: readonly BufFlag[] = ['NO_CACHE_INVALIDATE', 'NO_CACHE_CLEAN'];
/** Flags an application may set on an output buffer; on capture they are the driver's. */
const outputFlags: readonly BufFlag[] = ['KEYFRAME', 'PFRAME', 'BFRAME', 'TIMECODE'];

/** EINVAL: more bytes than the buffer has, or a picture that begins after its end. */
export function fillBuffer(q: VB2Queue, vb: VB2Buffer, arg: V4L2BufferArg): void {
  const length = vb.memoryKind === 'MMAP' ? vb.length : (arg.length ?? 0);
  checkLength(q, vb, arg);
  if (q.isOutput && arg.field === 'ALTERNATE') {
    throw q.refusal('EINVAL', 'a field of ALTERNATE: say TOP or BOTTOM');
  }
  vb.sequence = 0;
  vb.wanted = {
    bytesused: q.isOutput ? arg.bytesused || length : 0,
    dataOffset: q.isOutput ? (arg.dataOffset ?? 0) : 0,
    length,
    userptr: vb.memoryKind === 'USERPTR' ? (arg.userptr ?? 0) : 0,
    dmabuf: vb.memoryKind === 'DMABUF' ? (arg.dmabuf ?? null) : null,
  };
  if (q.isOutput && arg.field !== undefined) vb.field = arg.field;
  vb.flags.clear();
  if (arg.flags !== undefined) for (const f of arg.flags) if (mayKeep(q, vb, f)) vb.flags.add(f);
}

function mayKeep(q: VB2Queue, vb: VB2Buffer, flag: BufFlag): boolean {
  if (cacheFlags.includes(flag)) return cacheHints(q, vb.memoryKind);
  return q.isOutput && outputFlags.includes(flag);
}

/** __verify_length(): output buffers only. */
function checkLength(q: VB2Queue, vb: VB2Buffer, arg: V4L2BufferArg): void {
  if (!q.isOutput) return;
  const length = vb.memoryKind === 'USERPTR' ? (arg.length ?? 0) : vb.length;
  const bytesused = arg.bytesused || length;
  if (bytesused > length) throw q.refusal('EINVAL', `${bytesused} bytes in a buffer of ${length}`);
  const dataOffset = arg.dataOffset ?? 0;
  if (dataOffset > 0 && dataOffset >= bytesused) {
    throw q.refusal('EINVAL', `a picture that begins at ${dataOffset} of ${bytesused}`);
  }
}
