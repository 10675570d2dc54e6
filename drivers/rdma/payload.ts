// Bytes on their way: either a copy of them, or pieces of local regions to take them from.
//
// Moving is done in steps, and every step looks the region up again, as each packet does
// (rxe_mr.c: copy_data; rxe_resp.c: rxe_recheck_mr). A step that finds no region, no right, or a
// page that cannot be reached is a RegionFault that says on which side it was.

import { type Bus, DmaFault, type Task } from '../../lib/driver/index.js';
import { type MemoryKey, RegionFault, regionFaultOf } from './memory-key.js';

/** A run of bytes of one region: [pos, pos + len), counted from the region's first byte. */
export interface Piece {
  readonly len: number;
  readonly pos: number;
  /** The region, looked up now. RegionFault if the key no longer allows it. */
  region(): MemoryKey;
}

export type Payload =
  | { readonly kind: 'bytes'; readonly len: number; readonly bytes: Uint8Array }
  | {
      readonly kind: 'pieces';
      readonly len: number;
      readonly pieces: readonly Piece[];
      readonly bus: Bus;
      /** Between steps: faults of the adapter, and the size of a step. */
      readonly pace: Pace;
    };

/** How an adapter moves: it may be told to be slow, to stall, or to stop for ever. */
export interface Pace {
  /** Largest number of bytes that one step moves. */
  readonly stepLen: number;
  /** Runs inside the regions before each step; RegionFault when the adapter was reset. */
  before(task: Task): Promise<void> | undefined;
}

/** The side of a move that failed. */
export class MoveFault extends Error {
  override readonly name = 'MoveFault';
  readonly side: 'source' | 'target';

  constructor(side: 'source' | 'target', cause: unknown) {
    super(`${side}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.side = side;
  }
}

export const emptyPayload: Payload = { kind: 'bytes', len: 0, bytes: new Uint8Array(0) };

export const bytesPayload = (bytes: Uint8Array): Payload => ({
  kind: 'bytes',
  len: bytes.length,
  bytes,
});

/** The IOMMU knows better than the place of the catch which side it stopped. */
function faultOf(side: 'source' | 'target', e: unknown): unknown {
  if (!(e instanceof RegionFault)) return e;
  const { cause } = e;
  if (!(cause instanceof DmaFault)) return new MoveFault(side, e);
  return new MoveFault(cause.event.access === 'write' ? 'target' : 'source', e);
}

/** Walks a list of pieces: which piece byte pos falls into, and how much of it is left. */
class Cursor {
  readonly #pieces: readonly Piece[];
  #index = 0;
  #used = 0;

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
  }

  /** The piece at the cursor and the position in its region; skips empty pieces. */
  here(): { readonly piece: Piece; readonly pos: number; readonly left: number } {
    let piece = this.#pieces[this.#index];
    while (piece !== undefined && this.#used >= piece.len) {
      this.#index++;
      this.#used = 0;
      piece = this.#pieces[this.#index];
    }
    if (piece === undefined) throw new RegionFault('past the end of the list');
    return { piece, pos: piece.pos + this.#used, left: piece.len - this.#used };
  }

  advance(len: number): void {
    this.#used += len;
  }
}

export interface MoveTarget {
  readonly pieces: readonly Piece[];
  readonly bus: Bus;
  readonly pace: Pace;
}

/**
 * Move the first len bytes of source into the pieces of target. MoveFault names the side that
 * failed; what was moved before it stays moved.
 */
export async function movePayload(
  task: Task,
  source: Payload,
  target: MoveTarget,
  len: number,
): Promise<void> {
  const to = new Cursor(target.pieces);
  const from = source.kind === 'pieces' ? new Cursor(source.pieces) : null;
  let done = 0;
  while (done < len) {
    const at = guarded('target', () => to.here());
    let step = Math.min(len - done, at.left, target.pace.stepLen);
    if (source.kind === 'bytes') {
      await store(task, target, at, source.bytes.subarray(done, done + step));
    } else {
      const src = guarded('source', () => from!.here());
      step = Math.min(step, src.left, source.pace.stepLen);
      await copyStep(task, source, src, target, at, step);
      from!.advance(step);
    }
    to.advance(step);
    done += step;
  }
}

function guarded<T>(side: 'source' | 'target', fn: () => T): T {
  try {
    return fn();
  } catch (e) {
    throw faultOf(side, e);
  }
}

interface At {
  readonly piece: Piece;
  readonly pos: number;
}

type Pieces = Extract<Payload, { kind: 'pieces' }>;

/**
 * One step between two local regions: straight from one mapping to the other if both are pinned
 * (one native copy for each contiguous run when live), else run by run, or through a buffer.
 */
async function copyStep(
  task: Task,
  source: Pieces,
  src: At,
  target: MoveTarget,
  at: At,
  len: number,
): Promise<void> {
  const from = guarded('source', () => src.piece.region());
  const { mapping } = from.backing;
  if (mapping === null) {
    const bytes = await fetch(task, source, src, len);
    await store(task, target, at, bytes);
    return;
  }
  let side: MoveFault['side'] = 'source';
  try {
    from.enter();
    try {
      side = 'target';
      const to = at.piece.region();
      const pinned = to.backing.mapping;
      if (pinned === null) {
        await inTarget(task, target, at, len, (run, pos, n, done) =>
          target.bus.copy(run, pos, mapping, src.pos + done, n, source.bus),
        );
      } else {
        to.enter();
        try {
          const held = target.pace.before(task);
          if (held !== undefined) await held;
          await target.bus.copy(pinned, at.pos, mapping, src.pos, len, source.bus);
        } finally {
          to.leave();
        }
      }
    } finally {
      from.leave();
    }
  } catch (e) {
    throw faultOf(side, regionFaultOf(e));
  }
}

/** Read len bytes of a piece into a buffer. */
async function fetch(task: Task, source: Pieces, src: At, len: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(len);
  const region = guarded('source', () => src.piece.region());
  let done = 0;
  try {
    await region.within(async () => {
      await source.pace.before(task);
      await region.backing.access(task, src.pos, len, false, async (mapping, pos, n) => {
        await source.bus.read(mapping, pos, bytes.subarray(done, done + n));
        done += n;
      });
    });
  } catch (e) {
    throw faultOf('source', e);
  }
  return bytes;
}

async function store(task: Task, target: MoveTarget, at: At, bytes: Uint8Array): Promise<void> {
  await inTarget(task, target, at, bytes.length, (to, toPos, n, done) =>
    target.bus.write(to, toPos, bytes.subarray(done, done + n)),
  );
}

type UseTarget = (
  mapping: Parameters<Bus['write']>[0],
  pos: number,
  len: number,
  done: number,
) => Promise<void>;

async function inTarget(
  task: Task,
  target: MoveTarget,
  at: At,
  len: number,
  use: UseTarget,
): Promise<void> {
  const region = guarded('target', () => at.piece.region());
  let done = 0;
  try {
    await region.within(async () => {
      await target.pace.before(task);
      await region.backing.access(task, at.pos, len, true, async (mapping, pos, n) => {
        await use(mapping, pos, n, done);
        done += n;
      });
    });
  } catch (e) {
    throw faultOf('target', e);
  }
}

/** All bytes of a payload, as a copy: for a message that leaves the machine. MoveFault. */
export async function readPayload(task: Task, source: Payload, len: number): Promise<Uint8Array> {
  if (source.kind === 'bytes') return source.bytes.slice(0, len);
  const bytes = new Uint8Array(len);
  const from = new Cursor(source.pieces);
  let done = 0;
  while (done < len) {
    const src = guarded('source', () => from.here());
    const step = Math.min(len - done, src.left, source.pace.stepLen);
    bytes.set(await fetch(task, source, src, step), done);
    from.advance(step);
    done += step;
  }
  return bytes;
}
