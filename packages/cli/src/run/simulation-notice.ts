import type { Task } from '@stratagem/core';
import { writtenTasksOf } from '@stratagem/core/kernel';
import type { LoadedPlan } from '../load/load-plan.js';
import type { ProgressFlags } from '../options/progress-flags.js';
import { isSimulatedByDefault } from '../options/resolve-runners.js';
import type { RunnerFlags } from '../options/run-flags.js';
import { write } from '../output/streams.js';

/** Tells the user when answers are simulated, so that nobody mistakes them for real ones. */
export async function announceSimulation(
  flags: RunnerFlags & ProgressFlags,
  loaded?: Pick<LoadedPlan, 'plan' | 'models'>,
): Promise<void> {
  if (flags.quiet || flags.logFormat === 'json') return;
  if (!isSimulatedByDefault(flags, loaded?.models)) return;
  if (loaded !== undefined && !loaded.plan.tasks.some(lacksModel)) return;
  await write(
    process.stderr,
    'Using the simulated model. For a real one, use --runner openai or anthropic.\n',
  );
}

/** Whether a task, or one of its subtasks, asks the default model. */
function lacksModel(task: Task): boolean {
  const { model, type, waitFor, tool, command } = task;
  const { tasks } = writtenTasksOf(task);
  if (tasks.some(lacksModel)) return true;
  const isGroup = tasks.length > 0 && type !== 'aggregate';
  return (model ?? waitFor ?? tool ?? command) === undefined && !isGroup;
}
