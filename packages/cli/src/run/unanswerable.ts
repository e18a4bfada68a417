import type { Task } from '@stratagem/core';
import type { PageFlags } from '../options/page-flags.js';
import type { ExecutorFlags, PresetAnswers } from '../options/run-flags.js';
import { hasTask } from './step-options.js';
import { canAsk } from './terminal.js';

/**
 * The human steps that nobody can answer: there is no terminal, no page and no answer on the command line.
 * A step that may be skipped, or that goes on without an answer after a time, is not one of them.
 */
export function unanswerableSteps(
  tasks: readonly Task[],
  flags: PresetAnswers & PageFlags & Pick<ExecutorFlags, 'approveTools'>,
): string[] {
  if (canAsk() || flags.ui) return [];
  const { approve = [], reject = [], answer = [] } = flags;
  const answered = [...approve, ...reject, ...answer.map(({ id }) => id)];
  const isOpen = ({ id }: Task) =>
    !answered.some((given) => given === id || given.startsWith(`${id}[`));
  const steps = stepsIn(tasks)
    .filter(isOpen)
    .map(({ id, waitFor }) => {
      const kind = typeof waitFor === 'object' ? waitFor.kind : waitFor;
      const option = kind === 'approval' ? `--approve ${id} or --reject ${id}` : `--answer ${id}=…`;
      return (
        `task "${id}" waits for an ${kind}, and nobody can give it: there is no terminal. ` +
        `Use ${option}, --ui, or --journal to resume the run with the ${kind} later`
      );
    });
  const calls = callersOf(tasks, flags.approveTools)
    .filter(isOpen)
    .map(
      ({ id }) =>
        `task "${id}" may call a tool of --approve-tools, and nobody can approve it: there is no terminal. ` +
        `Use --approve ${id} or --reject ${id}, --ui, or --journal to resume the run with the approval later`,
    );
  return [...steps, ...calls];
}

/** The tasks that may call a tool whose calls need an approval. */
function callersOf(tasks: readonly Task[], names: readonly string[] = []): Task[] {
  const needsApproval = (tool: unknown) =>
    typeof tool === 'string' && (names.includes('all') || names.includes(tool));
  const callers: Task[] = [];
  hasTask(tasks, (task) => {
    const { tool, tools = [] } = task;
    if (needsApproval(tool) || tools.some(needsApproval)) callers.push(task);
    return false;
  });
  return callers;
}

function stepsIn(tasks: readonly Task[]): Task[] {
  return tasks.flatMap((task) => {
    const { waitFor, when, runAfter = 'success', dependencies = [], subtasks = [] } = task;
    // Whether it comes to these is known while the plan runs.
    if (when !== undefined || runAfter === 'failure') return [];
    const isEndless = typeof waitFor !== 'object' || waitFor.timeoutMs === undefined;
    const conditional = dependencies.some((id) => tasks.find((each) => each.id === id)?.when);
    const own = waitFor !== undefined && isEndless && !conditional ? [task] : [];
    return [...own, ...stepsIn(subtasks)];
  });
}
