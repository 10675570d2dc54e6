// Video of the cases: one capture device, driven as a C program drives vivid.

import { bufTypeOf, VideoClient, type V4L2Buffer } from '../../drivers/v4l2/index.js';
import type { OpenFlag } from '../machine.js';
import { ms } from '../units.js';
import type { Step } from './case.js';
import { rangeOf } from './ops-memory.js';
import { int, names, runs, text, type Ops, type Player } from './player.js';

type MemoryKind = V4L2Buffer['memory'];

const memoryKinds: Readonly<Record<string, MemoryKind>> = {
  mmap: 'MMAP',
  userptr: 'USERPTR',
  overlay: 'OVERLAY',
  dmabuf: 'DMABUF',
};

/** The flags that the recorder wrote, in its order; the others it left out. */
const shownFlags = ['MAPPED', 'QUEUED', 'DONE', 'ERROR', 'PREPARED', 'LAST'] as const;

const client = (player: Player, step: Step) => player.get<VideoClient>(step['fd']);
const memoryOf = (step: Step): MemoryKind => memoryKinds[text(step, 'mem', 'mmap')] ?? 'UNKNOWN';
const typeOf = (step: Step) => bufTypeOf(int(step, 'type', 1));

function shown(buffer: V4L2Buffer): string {
  const flags = shownFlags.filter((flag) => buffer.flags.includes(flag));
  return `index=${buffer.index} flags=${flags.join('|') || '0'}`;
}

function bufferArg(player: Player, step: Step) {
  const user = step['map'] === undefined ? null : rangeOf(player, step);
  return {
    index: int(step, 'i'),
    type: typeOf(step),
    memory: memoryOf(step),
    ...(user === null ? {} : { userptr: user.addr, length: user.len }),
  };
}

export const videoOps: Ops = {
  async v_open(player, step) {
    const flags = ['rdwr', ...names(step, 'flags', ['nonblock'])] as OpenFlag[];
    player.keep(step, await player.process.openDevice('video0', flags));
    return 'ok';
  },
  async v_fmt(player, step) {
    const fmt = await client(player, step).setFormat({
      width: int(step, 'w'),
      height: int(step, 'h'),
      pixelformat: text(step, 'fourcc'),
    });
    const size = `${fmt.width}x${fmt.height} ${fmt.pixelformat}`;
    return `${size} bytesperline=${fmt.bytesperline} sizeimage=${fmt.sizeimage}`;
  },
  async v_reqbufs(player, step) {
    const arg = { count: int(step, 'count'), memory: memoryOf(step), type: typeOf(step) };
    return `count=${(await client(player, step).requestBuffers(arg)).count}`;
  },
  async v_create(player, step) {
    const arg = { count: int(step, 'count'), memory: memoryOf(step), type: typeOf(step) };
    const { index, count } = await client(player, step).createBuffers(arg);
    return `index=${index} count=${count}`;
  },
  async v_querybuf(player, step) {
    return shown(await client(player, step).queryBuffer(int(step, 'i'), typeOf(step)));
  },
  async v_qbuf(player, step) {
    return shown(await client(player, step).queueBuffer(bufferArg(player, step)));
  },
  async v_prepare(player, step) {
    return shown(await client(player, step).prepareBuffer(bufferArg(player, step)));
  },
  async v_dqbuf(player, step) {
    const buffer = await client(player, step).dequeueBuffer(typeOf(step));
    if (step['show'] === 'ok') return 'ok';
    return `${shown(buffer)} bytesused=${buffer.bytesused}`;
  },
  async v_mmap(player, step) {
    const video = client(player, step);
    const { length } = await video.queryBuffer(int(step, 'i'));
    player.keep(step, { addr: await video.mapBuffer(int(step, 'i')), len: length });
    return 'ok';
  },
  async v_expbuf(player, step) {
    const video = client(player, step);
    const buf = await video.exportBuffer(int(step, 'i'));
    player.keep(step, { close: () => video.closeBuffer(buf) });
    return 'ok';
  },
  async v_read(player, step) {
    return runs(await client(player, step).read(int(step, 'len')));
  },
  async v_streamon(player, step) {
    await client(player, step).streamOn(typeOf(step));
    return 'ok';
  },
  async v_streamoff(player, step) {
    await client(player, step).streamOff(typeOf(step));
    return 'ok';
  },
  async v_poll(player, step) {
    const events = await client(player, step).poll(ms(int(step, 'ms')));
    return events.length === 0 ? 'timeout' : events.join('|');
  },
};
