// A replayed schedule as text: a column for each task, a line for each step, the last one marked.
//
//        truncater                        | pinner
//     11                                  | pin 0: 0 -> 1
//     12 free 0                           |
//   ! 13                                  | DMA
//   ! invariant: no page is freed under a pin: page 0 is free with 1 pin

import type { Replayed, ReplayedStep } from './replay.js';
import { wrap } from './wrap.js';

export interface ViewOptions {
  /** 100 if not given. */
  readonly columns?: number;
  /** Steps shown; the last ones. 60 if not given. */
  readonly steps?: number;
}

const MARGIN = 7;
const SEPARATOR = ' | ';
const LEAST_WIDTH = 18;

const clip = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;

function linesOf({ said, touched }: ReplayedStep): readonly string[] {
  if (said.length > 0) return said;
  return [touched.length > 0 ? touched.join(', ') : '·'];
}

const wrapped = (text: string, width: number): string[] =>
  wrap(text, width).map((line) => clip(line, width));

interface Table {
  readonly tasks: readonly string[];
  readonly width: number;
  readonly columns: number;
}

function row(table: Table, task: string, text: string): string {
  const { tasks, width } = table;
  if (width < LEAST_WIDTH) return clip(`${task}: ${text}`, table.columns - MARGIN);
  const cells = tasks.map((name) => (name === task ? clip(text, width) : '').padEnd(width));
  return cells.join(SEPARATOR).trimEnd();
}

function heading(table: Table): string[] {
  const { tasks, width } = table;
  if (width < LEAST_WIDTH) return [];
  const names = tasks.map((name) => clip(name, width).padEnd(width)).join(SEPARATOR);
  return [`${' '.repeat(MARGIN)}${names.trimEnd()}`];
}

/** The schedule as lines of text, none wider than the columns. */
export function traceView(replayed: Replayed, opts: ViewOptions = {}): string[] {
  const { columns = 100, steps: shown = 60 } = opts;
  const { steps, failure, scenario } = replayed;
  const tasks = [...new Set(steps.map(({ task }) => task))].filter((task) => task !== '');
  if (tasks[0] === scenario.name && tasks.length > 1) tasks.shift(); // the body, before all others
  const room = columns - MARGIN - SEPARATOR.length * (tasks.length - 1);
  const table = { tasks, width: Math.floor(room / Math.max(1, tasks.length)), columns };
  const setUp = steps.filter(({ task }) => task === scenario.name).length;
  const first = Math.max(setUp, steps.length - shown);
  const lines = heading(table);
  if (first > setUp) lines.push(`${' '.repeat(MARGIN)}… ${first} steps before`);
  steps.slice(first).forEach((step, i) => {
    const culprit = failure !== null && first + i === steps.length - 1;
    linesOf(step).forEach((text, nr) => {
      const number = nr === 0 ? String(first + i) : '';
      const margin = `${culprit ? '!' : ' '}${number.padStart(MARGIN - 2)} `;
      lines.push(`${margin}${row(table, step.task, text)}`);
    });
  });
  if (failure === null) lines.push('  no failure');
  else {
    const told = wrapped(`${failure.kind}: ${failure.message}`, columns - 2);
    lines.push(...told.map((line) => `! ${line}`));
  }
  return lines;
}
