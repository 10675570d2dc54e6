// Memory and pins of the cases: mappings, accesses, vmsplice, O_DIRECT and io_uring buffers.
//
// A map handle is the address that mmap answered with its length; `off` counts from there.

import { int, runs, text, type Ops, type Player } from './player.js';
import type { Step } from './case.js';

interface Mapping {
  readonly addr: number;
  readonly len: number;
}

interface Splice {
  readonly readFd: number;
  readonly writeFd: number;
  readonly len: number;
}

/** The address a step means, and its length: the whole mapping unless given. */
export function rangeOf(player: Player, step: Step): { addr: number; len: number } {
  const mapping = player.get<Mapping>(step['map']);
  const off = int(step, 'off', 0);
  return { addr: mapping.addr + off, len: int(step, 'len', mapping.len - off) };
}

export const memoryOps: Ops = {
  async mmap(player, step) {
    const len = int(step, 'len');
    const fd = step['fd'] === undefined ? undefined : player.get<number>(step['fd']);
    const addr = await player.process.mmap({
      ...(fd === undefined ? {} : { fd }),
      len,
      prot: text(step, 'prot', 'rw') as 'rw',
      share: text(step, 'share', 'shared') as 'shared',
      pos: int(step, 'off', 0),
    });
    player.keep(step, { addr, len } satisfies Mapping);
    return 'ok';
  },
  async munmap(player, step) {
    const { addr, len } = rangeOf(player, step);
    await player.process.munmap(addr, len);
    return 'ok';
  },
  async mprotect(player, step) {
    const { addr, len } = player.get<Mapping>(step['map']);
    await player.process.mprotect(addr, len, text(step, 'prot') as 'r');
    return 'ok';
  },
  async mlock(player, step) {
    const { addr, len } = rangeOf(player, step);
    await player.process.mlock(addr, len);
    return 'ok';
  },
  async madvise(player, step) {
    const { addr, len } = rangeOf(player, step);
    await player.process.madvise(addr, len, text(step, 'advice') as 'dontneed');
    return 'ok';
  },
  async store(player, step) {
    const { addr, len } = rangeOf(player, step);
    const byte = Number.parseInt(text(step, 'byte'), 16);
    await player.process.store(addr, new Uint8Array(len).fill(byte));
    return 'ok';
  },
  async load(player, step) {
    const { addr, len } = rangeOf(player, step);
    return runs(await player.process.load(addr, len));
  },
  async pin(player, step) {
    const { addr, len } = rangeOf(player, step);
    const [readFd, writeFd] = await player.process.pipe();
    try {
      const pinned = await player.process.vmsplice(writeFd, addr, len);
      player.keep(step, { readFd, writeFd, len: pinned } satisfies Splice);
      return pinned;
    } catch (e) {
      await player.process.close(readFd);
      await player.process.close(writeFd);
      throw e;
    }
  },
  async unpin(player, step) {
    const { readFd, writeFd, len } = player.get<Splice>(step['pin']);
    player.drop(step['pin']);
    const bytes = await player.process.readPipe(readFd, len);
    await player.process.close(readFd);
    await player.process.close(writeFd);
    return runs(bytes);
  },
  async dio(player, step) {
    const fd = player.get<number>(step['fd']);
    const { addr } = player.get<Mapping>(step['map']);
    const buffer = { addr: addr + int(step, 'moff', 0), len: int(step, 'len') };
    const pos = int(step, 'off');
    return text(step, 'dir') === 'read'
      ? player.process.readDirect(fd, pos, buffer)
      : player.process.writeDirect(fd, pos, buffer);
  },
  async uring_reg(player, step) {
    const { addr, len } = rangeOf(player, step);
    player.keep(step, await player.process.uringRegister(addr, len));
    return 'ok';
  },
  async uring_close(player, step) {
    await player.process.close(player.get<number>(step['ring']));
    player.drop(step['ring']);
    return 'ok';
  },
  async vmpin(player) {
    return player.process.status().vmPinPages;
  },
};
