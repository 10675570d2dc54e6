// Processes of the cases: exit, kill, status, and becoming an ordinary user.

import { ms } from '../units.js';
import type { Step } from './case.js';
import { int, text, type Ops, type Player } from './player.js';

/** The user that the recorder's processes became. */
const ordinaryUser = 1000;

const target = (player: Player, step: Step): Promise<Player> =>
  player.run.player(text(step, 'target'));

export const processOps: Ops = {
  async exit(player) {
    await player.process.exit(0);
    return 'ok';
  },
  async kill(player, step) {
    (await target(player, step)).process.sendSignal(text(step, 'sig'));
    return 'ok';
  },
  async status(player, step) {
    const { process } = await target(player, step);
    await player.run.machine.sched.runUntil(process.ended, ms(int(step, 'ms')));
    return process.waitStatus();
  },
  async as_user(player, step) {
    const limit = step['memlock'];
    if (typeof limit === 'number') await player.process.setrlimit('memlock', limit);
    await player.process.setuid(ordinaryUser);
    return 'ok';
  },
};
