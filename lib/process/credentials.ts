// Who a process runs as: user, group and capabilities.

import { constant } from '../constant.js';
import { Errno } from '../errno.js';
import { checkId } from '../arguments.js';
import type { Capability, Credentials } from '../mm/caller.js';

/** Every capability that the emulated kernel asks for. */
export const allCapabilities: readonly Capability[] = [
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_IPC_LOCK',
  'CAP_KILL',
  'CAP_LEASE',
  'CAP_LINUX_IMMUTABLE',
  'CAP_SYS_ADMIN',
  'CAP_SYS_RESOURCE',
];

/** uid 0 with every capability. */
export const rootCredentials = (): Credentials =>
  constant({ uid: 0, gid: 0, caps: new Set(allCapabilities) });

/** An ordinary user: no capability. The group has the user's number if not given. */
export const userCredentials = (uid: number, gid = uid): Credentials =>
  constant({ uid, gid, caps: new Set() });

/**
 * setuid() by cred: leaving uid 0 drops every capability (security/commoncap.c:
 * cap_emulate_setxuid). EPERM for a user who is neither root nor stays the same.
 */
export function withUid(cred: Credentials, uid: number): Credentials {
  checkId('setuid', 'uid', uid);
  if (uid === cred.uid) return cred;
  if (cred.uid !== 0) throw new Errno('EPERM', `setuid: user ${cred.uid} cannot become ${uid}`);
  return userCredentials(uid, uid);
}

/** May a process of cred send a signal to one of other? (kernel/signal.c:kill_ok_by_cred) */
export function maySignal(cred: Credentials, other: Credentials): boolean {
  return cred.uid === other.uid || cred.caps.has('CAP_KILL');
}
