// What a conformance run found: one object for machines, one page for people.

import type { KernelName } from '../kernel-rules.js';
import type { Case } from './case.js';
import { replayCase, type CaseResult, type Difference } from './replay.js';

export interface Report {
  readonly kernel: KernelName;
  /** Cases replayed, and how many of them agree in every step. */
  readonly cases: number;
  readonly agree: number;
  readonly steps: number;
  readonly stepsAgree: number;
  readonly differ: readonly Difference[];
  readonly unsupported: readonly { readonly id: string; readonly op: string }[];
}

export interface Selection {
  /** Areas to replay; all when empty. */
  readonly areas: readonly string[];
  /** Ids of single cases; all when empty. */
  readonly ids: readonly string[];
}

/** The cases of a selection, in their order. */
export function selectCases(cases: readonly Case[], selection: Selection): Case[] {
  return cases.filter(
    (c) =>
      (selection.areas.length === 0 || selection.areas.includes(c.area)) &&
      (selection.ids.length === 0 || selection.ids.includes(c.id)),
  );
}

/** Replay cases one after the other, each on a machine of its own. */
export async function replayAll(
  cases: readonly Case[],
  kernel: KernelName,
  onCase: (result: CaseResult) => void = () => {},
): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (const c of cases) {
    const result = await replayCase(c, kernel);
    results.push(result);
    onCase(result);
  }
  return results;
}

export function reportOf(kernel: KernelName, results: readonly CaseResult[]): Report {
  const sum = (of: (r: CaseResult) => number) => results.reduce((n, r) => n + of(r), 0);
  return {
    kernel,
    cases: results.length,
    agree: results.filter((r) => r.differ.length === 0).length,
    steps: sum((r) => r.steps),
    stepsAgree: sum((r) => r.stepsAgree),
    differ: results.flatMap((r) => r.differ),
    unsupported: results.flatMap((r) => r.unsupported.map((op) => ({ id: r.id, op }))),
  };
}

/** One line per area, then every difference. */
export function reportText(kernel: KernelName, results: readonly CaseResult[]): string {
  const areas = [...new Set(results.map((r) => r.area))];
  const lines = areas.map((area) => {
    const { cases, agree, steps, stepsAgree } = reportOf(
      kernel,
      results.filter((r) => r.area === area),
    );
    const count = `${agree}/${cases} cases`.padEnd(16);
    return `${area.padEnd(14)} ${count} ${stepsAgree}/${steps} steps`;
  });
  const { differ, cases, agree, steps, stepsAgree, unsupported } = reportOf(kernel, results);
  lines.push(
    `${kernel.padEnd(14)} ${`${agree}/${cases} cases`.padEnd(16)} ${stepsAgree}/${steps} steps`,
  );
  for (const d of differ) {
    lines.push(`${d.id} step ${d.step} ${d.op}: Linux ${d.linux}, Leasehold ${d.ours}`);
  }
  for (const u of unsupported) lines.push(`${u.id}: ${u.op} is not built`);
  return lines.join('\n');
}
