// The watchdog: a legal run never leaves the microtask queue, so a turn still held when the event
// loop comes round is a task that awaits something the scheduler did not give it.

/** Closed runs under way; looked at once per turn of the event loop while there are any. */
const watched = new Set<() => void>();
let armed = false;

function check(): void {
  armed = false;
  const overdue = [...watched];
  watched.clear();
  for (const report of overdue) report();
}

/** Call report once if the event loop comes round before stop() is called. */
export function watch(report: () => void): () => void {
  watched.add(report);
  if (!armed) {
    armed = true;
    setImmediate(check);
  }
  return () => watched.delete(report);
}

/** Nobody waits who could be told: make it an uncaught exception. */
export function throwLater(error: Error): void {
  setImmediate(() => {
    throw error;
  });
}
