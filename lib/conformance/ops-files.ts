// File operations of the cases: open to fallocate, and the free blocks of a mount.

import type { OpenFlag } from '../machine.js';
import { int, names, runs, text, type Ops, type Player } from './player.js';
import type { Step } from './case.js';

const pathOf = (step: Step, name = 'name') => `/${text(step, 'on')}/${text(step, name)}`;

const fillOf = (step: Step) =>
  new Uint8Array(int(step, 'len')).fill(Number.parseInt(text(step, 'byte'), 16));

/** fallocate modes of the language as fallocate(2) flags; a hole is punched with KEEP_SIZE. */
const modes: Readonly<Record<string, string>> = {
  alloc: 'alloc',
  keep_size: 'keep_size',
  punch: 'punch',
  zero: 'zero',
  collapse: 'collapse',
  insert: 'insert',
};

async function freeBlocks(player: Player, step: Step): Promise<number> {
  const { free } = await player.process.statfs(`/${text(step, 'on')}`);
  return free;
}

export const fileOps: Ops = {
  async open(player, step) {
    const flags = names(step, 'flags', ['rdwr', 'creat']) as OpenFlag[];
    player.keep(step, await player.process.open(pathOf(step), flags, int(step, 'mode', 0o666)));
    return 'ok';
  },
  async close(player, step) {
    const handle = player.get<number | { close(): Promise<void> }>(step['fd']);
    player.drop(step['fd']);
    await (typeof handle === 'number' ? player.process.close(handle) : handle.close());
    return 'ok';
  },
  async fsync(player, step) {
    await player.process.fsync(player.get<number>(step['fd']));
    return 'ok';
  },
  async write(player, step) {
    const fd = player.get<number>(step['fd']);
    return player.process.write(fd, int(step, 'off'), fillOf(step));
  },
  async read(player, step) {
    const fd = player.get<number>(step['fd']);
    return runs(await player.process.read(fd, int(step, 'off'), int(step, 'len')));
  },
  async truncate(player, step) {
    await player.process.ftruncate(player.get<number>(step['fd']), int(step, 'len'));
    return 'ok';
  },
  async truncate_path(player, step) {
    await player.process.truncate(pathOf(step), int(step, 'len'));
    return 'ok';
  },
  async fallocate(player, step) {
    const mode = modes[text(step, 'mode')] ?? 'invalid';
    const fd = player.get<number>(step['fd']);
    await player.process.fallocate(fd, mode as 'alloc', int(step, 'off'), int(step, 'len'));
    return 'ok';
  },
  async unlink(player, step) {
    await player.process.unlink(pathOf(step));
    return 'ok';
  },
  async rename(player, step) {
    await player.process.rename(pathOf(step, 'frm'), pathOf(step, 'to'));
    return 'ok';
  },
  async size(player, step) {
    return (await player.process.fstat(player.get<number>(step['fd']))).size;
  },
  async free_mark(player, step) {
    player.run.marks.set(text(step, 'on'), await freeBlocks(player, step));
    return 'ok';
  },
  async free_delta(player, step) {
    return (await freeBlocks(player, step)) - (player.run.marks.get(text(step, 'on')) ?? 0);
  },
};
