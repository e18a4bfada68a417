import type { Task } from '@stratagem/core';
import { writtenTasksOf } from '@stratagem/core/kernel';

/**
 * What is special about a task, each in a few words: its condition, fan-out, loop, module, human step, tool, …
 *
 * @param unfold Whether the tasks of a fan-out or a loop of modules are named.
 */
export function taskNotes(task: Task, unfold = false): string[] {
  const { runAfter, when, forEach, repeat, waitFor, plan, tool, command, save } = task;
  const lines: string[] = [];
  if (runAfter === 'settled') lines.push('also after failures');
  if (runAfter === 'failure') lines.push('only after a failure');
  if (when !== undefined) lines.push(`when ${conditionText(when)}`);
  if (forEach !== undefined) {
    const own = repeat === undefined ? patternText(task, unfold) : '';
    lines.push(`for each ${sourceText(forEach)}${own}`);
  }
  if (repeat !== undefined) {
    const { maxIterations = 5 } = repeat;
    const most = `at most ${maxIterations} ${maxIterations === 1 ? 'time' : 'times'}`;
    lines.push(`repeat until ${conditionText(repeat.until)}, ${most}${patternText(task, unfold)}`);
  }
  if (plan !== undefined) lines.push(`runs the plan: ${plan.goal}`);
  if (waitFor !== undefined) {
    lines.push(`waits for an ${typeof waitFor === 'object' ? waitFor.kind : waitFor}`);
  }
  if (tool !== undefined) lines.push(`calls ${typeof tool === 'string' ? tool : tool.name}`);
  if (command !== undefined) {
    const argv = 'argv' in command ? command.argv : command;
    lines.push(`runs ${argv[0]}`);
  }
  if (save !== undefined) lines.push(`saves ${save}`);
  return lines;
}

/** The subtasks of a fan-out or a loop, which are no nodes of the graph. */
function patternText(task: Task, unfold: boolean): string {
  const isShown = task.plan === undefined || unfold;
  const ids = (isShown ? writtenTasksOf(task).tasks : []).map(({ id }) => id).join(', ');
  return ids === '' ? '' : `: ${ids}`;
}

function sourceText(forEach: NonNullable<Task['forEach']>): string {
  const { items, stream } = typeof forEach === 'object' ? forEach : { items: forEach };
  if (stream !== undefined) return `row, streamed from ${stream.name}`;
  return typeof items === 'string' ? items : 'item';
}

function conditionText(when: NonNullable<Task['when']>): string {
  if (typeof when === 'function') return 'a condition in code';
  if ('not' in when) return `not (${conditionText(when.not)})`;
  if ('all' in when) return when.all.map(conditionText).join(' and ');
  if ('any' in when) return when.any.map(conditionText).join(' or ');
  return `${when.path} ${when.operator} ${JSON.stringify(when.value)}`;
}
