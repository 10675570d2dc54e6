// The deadlock report: who waits for what, held by whom, and the circle if there is one.

import type { Task } from './task.js';

function circle(tasks: readonly Task[]): readonly Task[] {
  for (const start of tasks) {
    const path: Task[] = [start];
    for (let at = start.waitingOn[0]; at !== undefined; at = at.waitingOn[0]) {
      if (at === start) return path;
      if (path.includes(at)) break;
      path.push(at);
    }
  }
  return [];
}

/** One line per blocked task; empty if there is none. */
export function describeBlocked(tasks: Iterable<Task>): string {
  const blocked = [...tasks].filter((task) => task.state === 'blocked');
  const lines = blocked.map((task) => {
    const holders = task.waitingOn.map((holder) => holder.name);
    const held = holders.length > 0 ? `, held by ${holders.join(', ')}` : '';
    return `${task.name} waits for ${task.waitingFor}${held}`;
  });
  const names = circle(blocked).map((task) => task.name);
  if (names.length > 0) lines.push(`circle: ${[...names, names[0]].join(' -> ')}`);
  return lines.join('\n');
}
