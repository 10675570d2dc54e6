// The worst schedule of one cell, recorded: for Perfetto, and for the pictures of the report.

import { decodeToken, ReplaySearch } from '../explore/index.js';
import { runOnce } from '../explore/stage.js';
import type { LayoutPolicy } from '../lease/layout.js';
import { TraceRecorder } from '../trace/index.js';
import type { Cell } from './cell.js';
import { cellScenario } from './cell-world.js';
import { searchCell } from './search-cell.js';

export interface TraceOptions {
  readonly device: string;
  readonly file: string;
  /** Schedules among which the worst is looked for. 200 if not given. */
  readonly schedules?: number;
}

/** Find the worst schedule of the cell and write it as a trace. */
export async function traceCell(
  cell: Cell,
  policy: LayoutPolicy,
  { device, file, schedules = 200 }: TraceOptions,
): Promise<void> {
  const { token } = await searchCell(cell, policy, { device, schedules, exhaustive: false });
  const recorder = await recordCell(cell, policy, { device, token });
  await recorder.writePerfetto(file, { title: `${cell.policy} against ${cell.driver}` });
}

/** The trace of one schedule, given by its token. */
export async function recordCell(
  cell: Cell,
  policy: LayoutPolicy,
  { device, token }: { readonly device: string; readonly token: string },
): Promise<TraceRecorder> {
  const scenario = cellScenario(cell, policy, { device });
  const search = new ReplaySearch(decodeToken(token).choices);
  search.begin();
  let recorder: TraceRecorder | null = null;
  await runOnce(scenario, search, {
    onScheduler: (sched) => (recorder = new TraceRecorder(sched)),
  });
  recorder!.stop();
  return recorder!;
}
