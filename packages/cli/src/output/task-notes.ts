import type { Task } from '@stratagem/core';

/** When a task runs after its dependencies, its condition, fan-out and human step, each in a few words. */
export function taskNotes({ runAfter, when, forEach, subtasks = [], waitFor }: Task): string[] {
  const lines: string[] = [];
  if (runAfter === 'settled') lines.push('also after failures');
  if (runAfter === 'failure') lines.push('only after a failure');
  if (when !== undefined) lines.push(`when ${conditionText(when)}`);
  if (forEach !== undefined) {
    const items = typeof forEach === 'object' ? forEach.items : forEach;
    const each = subtasks.map((task) => task.id).join(', ');
    const source = typeof items === 'string' ? items : 'item';
    lines.push(`for each ${source}${each === '' ? '' : `: ${each}`}`);
  }
  if (waitFor !== undefined) {
    lines.push(`waits for an ${typeof waitFor === 'object' ? waitFor.kind : waitFor}`);
  }
  return lines;
}

function conditionText(when: NonNullable<Task['when']>): string {
  if (typeof when === 'function') return 'a condition in code';
  if ('not' in when) return `not (${conditionText(when.not)})`;
  if ('all' in when) return when.all.map(conditionText).join(' and ');
  if ('any' in when) return when.any.map(conditionText).join(' or ');
  return `${when.path} ${when.operator} ${JSON.stringify(when.value)}`;
}
