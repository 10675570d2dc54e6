// vb2_fill_vb2_v4l2_buffer(): what an application may say of a buffer, checked and kept.

import {
  isMultiplanar,
  MAX_PLANES,
  type BufFlag,
  type PlaneInfo,
  type V4L2BufferArg,
  type V4L2PlaneArg,
  type VB2Buffer,
  type VB2Plane,
} from './buffer.js';
import { cacheHints } from './vb2-alloc.js';
import type { VB2Queue } from './vb2-queue.js';

const cacheFlags: readonly BufFlag[] = ['NO_CACHE_INVALIDATE', 'NO_CACHE_CLEAN'];
/** Flags an application may set on an output buffer; on capture they are the driver's. */
const outputFlags: readonly BufFlag[] = ['KEYFRAME', 'PFRAME', 'BFRAME', 'TIMECODE'];

/** EINVAL: more bytes than the buffer has, or a picture that begins after its end. */
export function fillBuffer(q: VB2Queue, vb: VB2Buffer, arg: V4L2BufferArg): void {
  const said = planesOf(q, vb, arg);
  for (const [p, plane] of vb.planes.entries()) checkLength(q, vb, plane, said[p]!);
  if (q.isOutput && arg.field === 'ALTERNATE') {
    throw q.refusal('EINVAL', 'a field of ALTERNATE: say TOP or BOTTOM');
  }
  vb.sequence = 0;
  for (const [p, plane] of vb.planes.entries()) plane.wanted = wantedOf(q, vb, plane, said[p]!);
  if (q.isOutput && arg.field !== undefined) vb.field = arg.field;
  vb.flags.clear();
  if (arg.flags !== undefined) for (const f of arg.flags) if (mayKeep(q, vb, f)) vb.flags.add(f);
}

/** __verify_planes_array(): what is said of each plane. */
function planesOf(q: VB2Queue, vb: VB2Buffer, arg: V4L2BufferArg): readonly V4L2PlaneArg[] {
  if (!isMultiplanar(q.type)) return [arg];
  const { planes = [] } = arg;
  if (planes.length >= vb.planes.length && planes.length <= MAX_PLANES) return planes;
  throw q.refusal('EINVAL', `${planes.length} planes for a buffer of ${vb.planes.length}`);
}

function wantedOf(q: VB2Queue, vb: VB2Buffer, plane: VB2Plane, arg: V4L2PlaneArg): PlaneInfo {
  const length = vb.memoryKind === 'MMAP' ? plane.length : (arg.length ?? 0);
  return {
    bytesused: q.isOutput ? arg.bytesused || length : 0,
    dataOffset: q.isOutput ? (arg.dataOffset ?? 0) : 0,
    length,
    userptr: vb.memoryKind === 'USERPTR' ? (arg.userptr ?? 0) : 0,
    dmabuf: vb.memoryKind === 'DMABUF' ? (arg.dmabuf ?? null) : null,
  };
}

function mayKeep(q: VB2Queue, vb: VB2Buffer, flag: BufFlag): boolean {
  if (cacheFlags.includes(flag)) return cacheHints(q, vb.memoryKind);
  return q.isOutput && outputFlags.includes(flag);
}

/** __verify_length(): output buffers only. A multi-planar dma-buf has the length that is said. */
function checkLength(q: VB2Queue, vb: VB2Buffer, plane: VB2Plane, arg: V4L2PlaneArg): void {
  if (!q.isOutput) return;
  const said = vb.memoryKind === 'USERPTR' || (vb.memoryKind === 'DMABUF' && isMultiplanar(q.type));
  const length = said ? (arg.length ?? 0) : plane.length;
  const bytesused = arg.bytesused || length;
  if (bytesused > length) throw q.refusal('EINVAL', `${bytesused} bytes in a plane of ${length}`);
  const dataOffset = arg.dataOffset ?? 0;
  if (dataOffset > 0 && dataOffset >= bytesused) {
    throw q.refusal('EINVAL', `a picture that begins at ${dataOffset} of ${bytesused}`);
  }
}
