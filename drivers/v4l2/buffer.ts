// struct vb2_buffer: one frame's worth of memory, and who owns it.
//
//   DEQUEUED    the application (prepared: its memory is already held and checked)
//   PREPARING   the core, while it takes the memory
//   QUEUED      the core
//   ACTIVE      the driver, through an ActiveBuffer, until it says done
//   DONE ERROR  the core; the application may dequeue it
//
//   DEQUEUED -> PREPARING -> DEQUEUED+prepared -> QUEUED -> ACTIVE -> DONE | ERROR -> DEQUEUED
//   ACTIVE -> QUEUED only out of a startStreaming() that failed. Facts 6.1.

import assert from 'node:assert/strict';
import type { DmaBuf } from '../../lib/driver/index.js';
import type { ActiveBuffer } from './active-buffer.js';
import type { PlaneMemory } from './memory.js';

export type BufferState = 'DEQUEUED' | 'PREPARING' | 'QUEUED' | 'ACTIVE' | 'DONE' | 'ERROR';

/** enum v4l2_buf_type as far as video goes; 'NONE' is 0, 'OTHER' any number that is not here. */
export const bufTypes = [
  'NONE',
  'VIDEO_CAPTURE',
  'VIDEO_OUTPUT',
  'VIDEO_OVERLAY',
  'VIDEO_CAPTURE_MPLANE',
  'VIDEO_OUTPUT_MPLANE',
  'OTHER',
] as const;
export type BufType = (typeof bufTypes)[number];
/** enum v4l2_memory; 'UNKNOWN' is 0. */
export const memoryKinds = ['UNKNOWN', 'MMAP', 'USERPTR', 'OVERLAY', 'DMABUF'] as const;
export type MemoryKind = (typeof memoryKinds)[number];

/** v4l2_buf_type by number, for whoever replays what a C program did. */
export function bufTypeOf(value: number): BufType {
  if (value === 9) return 'VIDEO_CAPTURE_MPLANE';
  if (value === 10) return 'VIDEO_OUTPUT_MPLANE';
  return (['NONE', 'VIDEO_CAPTURE', 'VIDEO_OUTPUT', 'VIDEO_OVERLAY'] as const)[value] ?? 'OTHER';
}

/** V4L2_BUF_FLAG_*, in the order of their bits. */
export const bufFlags = [
  'MAPPED',
  'QUEUED',
  'DONE',
  'KEYFRAME',
  'PFRAME',
  'BFRAME',
  'ERROR',
  'TIMECODE',
  'PREPARED',
  'NO_CACHE_INVALIDATE',
  'NO_CACHE_CLEAN',
  'TIMESTAMP_MONOTONIC',
  'TIMESTAMP_COPY',
  'TSTAMP_SRC_SOE',
  'LAST',
] as const;
export type BufFlag = (typeof bufFlags)[number];

export const fields = ['ANY', 'NONE', 'TOP', 'BOTTOM', 'INTERLACED', 'ALTERNATE'] as const;
export type Field = (typeof fields)[number];

/** struct v4l2_plane as it comes back. */
export interface V4L2Plane {
  readonly bytesused: number;
  readonly length: number;
  readonly dataOffset: number;
  readonly offset: number;
  readonly userptr: number;
  readonly dmabuf: DmaBuf | null;
}

/** struct v4l2_plane as an application fills it in. */
export type V4L2PlaneArg = Partial<Omit<V4L2Plane, 'offset'>>;

/** struct v4l2_buffer as it comes back from a request. */
export interface V4L2Buffer {
  /** Multi-planar: where bytes, lengths and memory are told; empty otherwise. */
  readonly planes: readonly V4L2Plane[];
  readonly index: number;
  readonly type: BufType;
  readonly memory: MemoryKind;
  readonly flags: readonly BufFlag[];
  readonly field: Field;
  /** Bytes of picture in the buffer; 0 while there is none. */
  readonly bytesused: number;
  /** Bytes of the buffer; multi-planar: how many planes it has. */
  readonly length: number;
  readonly timestampNs: number;
  readonly sequence: number;
  /** MMAP: the cookie to mmap with. */
  readonly offset: number;
  /** USERPTR: the address it was queued with, 0 while it has no memory. */
  readonly userptr: number;
  /** DMABUF: what it was queued with. */
  readonly dmabuf: DmaBuf | null;
  readonly reserved2: 0;
  readonly requestFd: 0;
}

/** struct v4l2_buffer as an application fills it in for QBUF and PREPARE_BUF. */
export interface V4L2BufferArg {
  readonly index: number;
  readonly type?: BufType;
  readonly memory?: MemoryKind;
  /** Output: bytes of picture; 0 or absent means all. */
  readonly bytesused?: number;
  /** Output: where the picture begins, as in the multi-planar API. */
  readonly dataOffset?: number;
  /** Multi-planar: one for each plane of the buffer, or more. */
  readonly planes?: readonly V4L2PlaneArg[];
  /** Bytes at userptr, or of the dma-buf (0: all of it). */
  readonly length?: number;
  readonly userptr?: number;
  readonly dmabuf?: DmaBuf | null;
  readonly field?: Field;
  readonly timestampNs?: number;
  readonly flags?: readonly BufFlag[];
  /** A request of the Request API, which is not built: EBADR, as a queue without it answers. */
  readonly requestFd?: number;
}

/** What the application said of the memory, between the check and the taking of it. */
export interface PlaneInfo {
  bytesused: number;
  dataOffset: number;
  length: number;
  userptr: number;
  dmabuf: DmaBuf | null;
}

/** struct vb2_plane: one stretch of memory of a buffer, and what lies in it. */
export class VB2Plane {
  /** What the driver asked for; user memory must be at least this long. */
  readonly minLength: number;
  /** The memory, while some is held; USERPTR keeps it through DQBUF and STREAMOFF. Facts 6.3. */
  memory: PlaneMemory | null = null;
  bytesused = 0;
  dataOffset = 0;
  length: number;
  userptr = 0;
  dmabuf: DmaBuf | null = null;
  /** What the application last said, checked, not yet taken. */
  wanted: PlaneInfo | null = null;

  constructor(length: number) {
    assert(length > 0, `a plane of length ${length}`);
    this.minLength = length;
    this.length = length;
  }
}

export class VB2Buffer {
  readonly index: number;
  readonly memoryKind: MemoryKind;
  /** One, or as many as lie apart in the format (NV12M). */
  readonly planes: readonly VB2Plane[];
  state: BufferState = 'DEQUEUED';
  prepared = false;
  readonly flags = new Set<BufFlag>();
  field: Field = 'NONE';
  timestampNs = 0;
  sequence = 0;
  /** The driver's hold while ACTIVE. */
  active: ActiveBuffer | null = null;
  /** The memory was revoked while QUEUED: the buffer will come back in ERROR. */
  lost = false;

  /** sizes: bytes of each plane. */
  constructor(index: number, memoryKind: MemoryKind, sizes: readonly number[]) {
    assert(sizes.length > 0, `buffer ${index}: no planes`);
    this.index = index;
    this.memoryKind = memoryKind;
    this.planes = sizes.map((size) => new VB2Plane(size));
  }

  /** The mmap cookie: which buffer, not where in it. videobuf2-core.c:__setup_offsets. */
  get offset(): number {
    return this.index * COOKIE_STRIDE;
  }

  /** vb2_buffer_in_use(): somebody besides the queue has the memory. */
  get inUse(): boolean {
    return this.planes.some(({ memory }) => memory?.inUse === true);
  }
}

export const MAX_PLANES = 8;
/** Cookies are page-aligned: one page for each plane that a buffer could have. */
export const PLANE_STRIDE = 4096;
export const COOKIE_STRIDE = MAX_PLANES * PLANE_STRIDE;

/** What the state shows of itself to the application. videobuf2-v4l2.c:__fill_v4l2_buffer. */
const stateFlags: Record<ShownState, readonly BufFlag[]> = {
  DEQUEUED: [],
  PREPARING: [],
  QUEUED: ['QUEUED'],
  ACTIVE: ['QUEUED'],
  DONE: ['DONE'],
  ERROR: ['ERROR', 'DONE'],
  FAILED: ['ERROR'],
};

/** 'FAILED': what DQBUF shows of a buffer in ERROR, once it is no longer DONE. vb2_dqbuf(). */
type ShownState = BufferState | 'FAILED';

/** In the order of their bits. */
function flagsOf(vb: VB2Buffer, queueFlags: readonly BufFlag[], state: ShownState): BufFlag[] {
  const flags = [...queueFlags, ...stateFlags[state]];
  if (vb.flags.size > 0) flags.push(...vb.flags);
  if (state === 'DEQUEUED' && vb.prepared) flags.push('PREPARED');
  if (vb.inUse) flags.push('MAPPED');
  if (flags.length > 1) flags.sort((a, b) => bufFlags.indexOf(a) - bufFlags.indexOf(b));
  return flags;
}

/** What a multi-planar buffer says of itself where a single-planar one tells of its memory. */
const nowhere = { bytesused: 0, offset: 0, userptr: 0, dmabuf: null };

export const isMultiplanar = (type: BufType): boolean =>
  type === 'VIDEO_CAPTURE_MPLANE' || type === 'VIDEO_OUTPUT_MPLANE';

function describePlane(vb: VB2Buffer, p: number): V4L2Plane {
  const { bytesused, length, dataOffset, userptr, dmabuf } = vb.planes[p]!;
  const offset = vb.memoryKind === 'MMAP' ? vb.offset + p * PLANE_STRIDE : 0;
  return { bytesused, length, dataOffset, offset, userptr, dmabuf };
}

/** struct v4l2_buffer of vb, as QUERYBUF shows it. */
export function describeBuffer(
  vb: VB2Buffer,
  type: BufType,
  queueFlags: readonly BufFlag[],
  state: ShownState = vb.state,
): V4L2Buffer {
  const planes = isMultiplanar(type) ? vb.planes.map((_, p) => describePlane(vb, p)) : [];
  const first = planes.length > 0 ? { ...nowhere, length: planes.length } : describePlane(vb, 0);
  return {
    index: vb.index,
    type,
    planes,
    memory: vb.memoryKind,
    flags: flagsOf(vb, queueFlags, state),
    field: vb.field,
    bytesused: first.bytesused,
    length: first.length,
    timestampNs: vb.timestampNs,
    sequence: vb.sequence,
    offset: first.offset,
    userptr: first.userptr,
    dmabuf: first.dmabuf,
    reserved2: 0,
    requestFd: 0,
  };
}
