import type { Plan, Task } from '@stratagem/core';
import { subtasksOf } from '@stratagem/core/kernel';
import type { ExecutorFlags, PresetAnswers } from '../options/run-flags.js';

/**
 * The problems of preset answers: each must belong to a human step of the plan, and a step gets one answer.
 * They name the option and the human steps of the plan.
 */
export function presetProblems(
  plan: Plan,
  preset: PresetAnswers & Pick<ExecutorFlags, 'mcpConfig' | 'approveTools'>,
): string[] {
  const problems: string[] = contradictions(preset);
  const steps = new Map<string, Task>();
  const callers = new Set<string>();
  collectSteps(plan.tasks, steps, callers);
  for (const [option, kind, ids] of [
    ['--approve', 'approval', preset.approve ?? []],
    ['--reject', undefined, preset.reject ?? []],
    ['--answer', 'answer', (preset.answer ?? []).map(({ id }) => id)],
  ] as const) {
    for (const id of ids) {
      // Which of its calls wait is known once the servers of the tools are.
      const mayCall = (preset.mcpConfig ?? preset.approveTools) !== undefined;
      if (mayCall && kind !== 'answer' && callers.has(baseOf(id))) continue;
      const step = steps.get(id) ?? steps.get(baseOf(id));
      if (step === undefined) {
        problems.push(`${option} ${id}: ${unknownStep(id, steps)}`);
        continue;
      }
      const waitsFor = typeof step.waitFor === 'object' ? step.waitFor.kind : step.waitFor;
      if (kind !== undefined && waitsFor !== kind) {
        const remedy = waitsFor === 'approval' ? `--approve ${id}` : `--answer ${id}=…`;
        problems.push(`${option} ${id}: the task waits for an ${waitsFor}; use ${remedy}`);
      }
    }
  }
  return problems;
}

/** Tasks that get several answers. */
export function contradictions({
  approve = [],
  reject = [],
  answer = [],
}: PresetAnswers): string[] {
  const given = new Map<string, string[]>();
  for (const [option, ids] of [
    ['--approve', approve],
    ['--reject', reject],
    ['--answer', answer.map(({ id }) => id)],
  ] as const) {
    for (const id of ids) given.set(id, [...(given.get(id) ?? []), `${option} ${id}`]);
  }
  return [...given.values()]
    .filter((options) => options.length > 1)
    .map((options) => `${options.join(' and ')} are answers to one question: remove all but one`);
}

/** The id in the pattern of a fan-out: `pages[0]` and `pages[0]/check` are `pages` and `pages/check`. */
function baseOf(id: string): string {
  return id.replace(/\[\d+\](?=\/|$)/g, '');
}

function collectSteps(
  tasks: readonly Task[],
  steps: Map<string, Task>,
  callers: Set<string>,
): void {
  for (const task of tasks) {
    if (task.waitFor !== undefined) steps.set(task.id, task);
    if (task.tools !== undefined || task.tool !== undefined) callers.add(task.id);
    collectSteps(subtasksOf(task) ?? [], steps, callers);
  }
}

function unknownStep(id: string, steps: ReadonlyMap<string, Task>): string {
  if (steps.size === 0) return 'no task of this plan waits for a human';
  return `no task "${id}" waits for a human; these do: ${[...steps.keys()].join(', ')}`;
}
