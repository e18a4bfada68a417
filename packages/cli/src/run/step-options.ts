import type { ExecutorOptions, Plan, Task, Tool } from '@stratagem/core';
import type { StepFlags } from '../options/run-flags.js';

/** The name by which tasks call the tool that fetches addresses. */
const FETCH = 'fetch';
/** Where tasks save files, relative to the current directory. */
export const OUTPUT_FOLDER = 'output';

/**
 * What the tasks of a plan need to work without a model. Loads only what the plan uses.
 *
 * @param tools The tools of MCP servers; one of them may take the place of a built-in one.
 */
export async function stepOptions(
  { tasks }: Plan,
  { allowCommands, allowHosts, outputDir = OUTPUT_FOLDER }: StepFlags,
  tools: readonly Tool[],
): Promise<Pick<ExecutorOptions, 'tools' | 'commands' | 'files'>> {
  const needsFetch = hasTask(tasks, callsFetch) && !tools.some(({ name }) => name === FETCH);
  const saves = hasTask(tasks, ({ save }) => save !== undefined);
  if (!needsFetch && !saves && !allowCommands) return { tools };
  const { commandRunner, fetchTool, outputFolder } = await import('@stratagem/node');
  const hosts = allowHosts === undefined ? {} : { allowHosts };
  return {
    tools: needsFetch ? [...tools, fetchTool(hosts)] : tools,
    ...(allowCommands && { commands: commandRunner() }),
    ...(saves && { files: outputFolder(outputDir) }),
  };
}

/** Whether a task is like this, also one of its subtasks or of its module. */
export function hasTask(tasks: readonly Task[], isSuch: (task: Task) => boolean): boolean {
  return tasks.some((task) => {
    const { subtasks = [], plan } = task;
    return isSuch(task) || hasTask(subtasks, isSuch) || hasTask(plan?.tasks ?? [], isSuch);
  });
}

export function callsFetch({ tool, tools = [] }: Task): boolean {
  return tool === FETCH || tools.includes(FETCH);
}
