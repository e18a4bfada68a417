import type { Plan, Task } from '@stratagem/core';
import { UsageError } from '../output/exit-code.js';
import type { GivenAnswers } from './human-steps.js';

/**
 * Checks that answers given on the command line are for human steps of the plan.
 *
 * @throws {UsageError} naming the option and the human steps that there are.
 */
export function checkGivenAnswers(plan: Plan, given: GivenAnswers): void {
  const steps = new Map<string, Task>();
  collect(plan.tasks, steps);
  for (const [option, kind, ids] of [
    ['--approve', 'approval', given.approve ?? []],
    ['--reject', undefined, given.reject ?? []],
    ['--answer', 'answer', (given.answer ?? []).map(({ id }) => id)],
  ] as const) {
    for (const id of ids) {
      const step = steps.get(id) ?? steps.get(id.replace(/\[\d+\]$/, ''));
      if (step === undefined) throw new UsageError(`${option} ${id}: ${unknown(id, steps)}`);
      const waitsFor = typeof step.waitFor === 'object' ? step.waitFor.kind : step.waitFor;
      if (kind !== undefined && waitsFor !== kind) {
        const remedy = waitsFor === 'approval' ? `--approve ${id}` : `--answer ${id}=…`;
        throw new UsageError(`${option} ${id}: it waits for an ${waitsFor}; give ${remedy}`);
      }
    }
  }
}

function collect(tasks: readonly Task[], steps: Map<string, Task>): void {
  for (const task of tasks) {
    if (task.waitFor !== undefined) steps.set(task.id, task);
    collect(task.subtasks ?? [], steps);
  }
}

function unknown(id: string, steps: ReadonlyMap<string, Task>): string {
  if (steps.size === 0) return 'no task of this plan waits for a human';
  return `"${id}" does not wait for a human; these do: ${[...steps.keys()].join(', ')}`;
}
