// Leases of the cases: F_SETLEASE, F_GETLEASE, and the signals that came.

import { seconds } from '../units.js';
import { Errno } from '../errno.js';
import { int, text, type Ops } from './player.js';

const types = { rd: 'F_RDLCK', wr: 'F_WRLCK', un: 'F_UNLCK' } as const;

export const leaseOps: Ops = {
  async lease(player, step) {
    const name = text(step, 'type');
    const type = types[name as keyof typeof types];
    if (!type) throw new Errno('EINVAL', `conformance: lease: unknown type '${name}'`);
    await player.process.setLease(player.get<number>(step['fd']), type);
    return 'ok';
  },
  async getlease(player, step) {
    return player.process.getLease(player.get<number>(step['fd']));
  },
  async lease_break_time(player, step) {
    player.run.machine.leases.breakTimeNs = seconds(int(step, 's'));
    return 'ok';
  },
  async signals(player) {
    const came = player.process.takeSignals();
    return came.length === 0 ? 'none' : [...new Set(came)].sort().join(',');
  },
};
