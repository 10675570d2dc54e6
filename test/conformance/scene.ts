// A case written in a test: its answers, played by the same replay as recorded ones.

import type { Answer, Case, Step } from '../../lib/conformance/case.js';
import { parseCases } from '../../lib/conformance/case.js';
import { replayCase } from '../../lib/conformance/replay.js';
import type { KernelName } from '../../lib/kernel-rules.js';

/** A checked case without recorded answers: every step is a difference and shows ours. */
export function caseOf(steps: readonly Step[], linux: readonly Answer[] | null = null): Case {
  const answers = linux === null ? {} : { '6.1': linux, '6.12': linux, '7.2': linux };
  const [made] = parseCases('test.json', JSON.stringify([{ id: 'test', steps, linux: answers }]));
  return made!;
}

/** What each step answers. */
export async function answers(
  steps: readonly Step[],
  kernel: KernelName = '6.12',
): Promise<Answer[]> {
  const { differ } = await replayCase(caseOf(steps), kernel);
  return differ.map(({ ours }) => ours);
}

/** Steps and the answer of each, side by side. */
export type Script = readonly (readonly [step: Step, answer: Answer])[];

export const stepsOf = (script: Script): Step[] => script.map(([step]) => step);
export const answersOf = (script: Script): Answer[] => script.map(([, answer]) => answer);
