// The timeline: a trace as text, a line per event, for a terminal or a failing test.
//
//        0.000 ms  app    syscall +  call=truncate
//    45000.000 ms  admin  lease_timeout  inode=12
//
// + and - mark the beginning and the end of a slice, after which how long it took is told.

import { nsToMs } from '../units.js';
import type { TraceArgs, TraceEvent } from './tracepoint.js';

const show = (ns: number): string => `${nsToMs(ns).toFixed(3)} ms`;

function describe(args: TraceArgs): string {
  return Object.entries(args)
    .map(([name, value]) => ` ${name}=${String(value)}`)
    .join('');
}

export function timelineText(events: readonly TraceEvent[]): string {
  const taskWidth = Math.max(0, ...events.map(({ task }) => task.length));
  const timeWidth = Math.max(0, ...events.map(({ atNs }) => show(atNs).length));
  const begun = new Map<string, number>();
  const lines = events.map(({ name, key, phase, atNs, task, args }) => {
    const slice = `${name} ${key}`;
    const sinceNs = begun.get(slice);
    let what = name;
    if (phase === 'begin') {
      begun.set(slice, atNs);
      what += ' +';
    } else if (phase === 'end') {
      begun.delete(slice);
      what += sinceNs === undefined ? ' -' : ` - after ${show(atNs - sinceNs)}`;
    }
    const head = `${show(atNs).padStart(timeWidth)}  ${task.padEnd(taskWidth)}  `;
    return `${head}${what}${describe(args)}`;
  });
  return lines.join('\n');
}
