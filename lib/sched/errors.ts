// Mistakes that the scheduler finds in the code it runs. They are never refusals: no caller may
// handle them, a test or an exploration reports them.

/** Code of a task went on outside its turn: a missing await, Promise.all, a foreign timer. */
export class StrayError extends Error {
  override readonly name = 'StrayError';
}

/** Nobody can run and no timer is left; the message says who waits for what, held by whom. */
export class DeadlockError extends Error {
  override readonly name = 'DeadlockError';
}

/** A replay met other tasks than the recording did: something besides the schedule decides. */
export class ReplayError extends Error {
  override readonly name = 'ReplayError';
}
