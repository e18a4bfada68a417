import type { Plan, Task } from '@stratagem/core';
import type { PresetAnswers } from '../options/run-flags.js';
import { UsageError } from '../options/usage-error.js';

/**
 * Checks that each preset answer belongs to a human step of the plan.
 *
 * @throws {UsageError} naming the option and the human steps of the plan.
 */
export function checkPresetAnswers(plan: Plan, preset: PresetAnswers): void {
  const steps = new Map<string, Task>();
  collectSteps(plan.tasks, steps);
  for (const [option, kind, ids] of [
    ['--approve', 'approval', preset.approve ?? []],
    ['--reject', undefined, preset.reject ?? []],
    ['--answer', 'answer', (preset.answer ?? []).map(({ id }) => id)],
  ] as const) {
    for (const id of ids) {
      const step = steps.get(id) ?? steps.get(id.replace(/\[\d+\]$/, ''));
      if (step === undefined) throw new UsageError(`${option} ${id}: ${unknownStep(id, steps)}`);
      const waitsFor = typeof step.waitFor === 'object' ? step.waitFor.kind : step.waitFor;
      if (kind !== undefined && waitsFor !== kind) {
        const remedy = waitsFor === 'approval' ? `--approve ${id}` : `--answer ${id}=…`;
        throw new UsageError(`${option} ${id}: the task waits for an ${waitsFor}; use ${remedy}`);
      }
    }
  }
}

function collectSteps(tasks: readonly Task[], steps: Map<string, Task>): void {
  for (const task of tasks) {
    if (task.waitFor !== undefined) steps.set(task.id, task);
    collectSteps(task.subtasks ?? [], steps);
  }
}

function unknownStep(id: string, steps: ReadonlyMap<string, Task>): string {
  if (steps.size === 0) return 'no task of this plan waits for a human';
  return `no task "${id}" waits for a human; these do: ${[...steps.keys()].join(', ')}`;
}
