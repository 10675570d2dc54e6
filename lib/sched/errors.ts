// Mistakes that the scheduler finds in the code it runs. They are never refusals: no caller may
// handle them, a test or an exploration reports them.

/** Code of a task went on outside its turn: a missing await, Promise.all, a foreign timer. */
export class StrayError extends Error {
  override readonly name = 'StrayError';
}

/** What was done out of turn, and who has the turn; null: nobody. */
export function strayed(what: string, holder: { readonly name: string } | null): StrayError {
  const who = holder === null ? 'nobody has' : `${holder.name} has`;
  const hint = 'a missing await, Promise.all, or a call that should go through enter()?';
  return new StrayError(`${what} while ${who} the turn: ${hint}`);
}

/** The holder of the turn waits for something that the scheduler does not give. */
export const foreignAwait = (holder: { readonly name: string } | null): StrayError =>
  new StrayError(`task ${holder?.name} awaits something foreign, keeping its turn`);

/** Nobody can run and no timer is left; the message says who waits for what, held by whom. */
export class DeadlockError extends Error {
  override readonly name = 'DeadlockError';
}

/** A replay met other tasks than the recording did: something besides the schedule decides. */
export class ReplayError extends Error {
  override readonly name = 'ReplayError';
}
