// The watchdog: a legal run never leaves the microtask queue, so a turn still held when the event
// loop comes round is a task that awaits something the scheduler did not give it.

/** Closed runs under way; looked at once per turn of the event loop while there are any. */
let watched: (() => void)[] = [];
let armed = false;

function check(): void {
  armed = false;
  const overdue = watched;
  watched = [];
  for (const report of overdue) report();
}

/** Call report once if the event loop comes round before stop() is called. */
export function watch(report: () => void): () => void {
  watched.push(report);
  if (!armed) {
    armed = true;
    setImmediate(check);
  }
  return () => {
    const at = watched.lastIndexOf(report); // mostly the only one
    if (at >= 0) watched.splice(at, 1);
  };
}

/** Nobody waits who could be told: make it an uncaught exception. */
export function throwLater(error: Error): void {
  setImmediate(() => {
    throw error;
  });
}
