import type { RunStarted } from '@stratagem/core';
import { Graph } from '@stratagem/core/kernel';
import type { OutputFlags } from '../options/page-flags.js';
import type { DisplayableRun } from './displayable-run.js';
import { forTerminal, onOneLine } from './terminal-text.js';

/** More outputs than this are counted instead of shown. */
const MAX_OUTPUTS = 50;

/**
 * The results that the plan names, or else the outputs that no completed task used, which are those of the last tasks in a completed plan.
 * One alone is printed as it is; of several, each has its name above it. A file gets each output character by character.
 */
export function finalOutputs(
  run: DisplayableRun,
  { output: file = '-' }: OutputFlags = {},
): string {
  const shown = file === '-' ? forTerminal : (text: string) => text;
  const final = namedOutputs(run) ?? finalTasks(run);
  const [only] = final;
  if (only === undefined) return '';
  if (final.length === 1) return `${shown(asText(only.output))}\n`;
  const parts = final
    .slice(0, MAX_OUTPUTS)
    .map(({ id, output }) => `${onOneLine(id)}\n${shown(asText(output))}`);
  if (final.length > MAX_OUTPUTS) {
    parts.push(`… and ${final.length - MAX_OUTPUTS} more outputs (use --json to see all)`);
  }
  return `${parts.join('\n\n')}\n`;
}

/** The results of a plan that names them. */
function namedOutputs({ timeline, planOutputs }: DisplayableRun) {
  const started = timeline.findLast((event) => event.type === 'run_started');
  if (started?.plan.outputs === undefined) return undefined;
  return Object.entries(planOutputs).map(([id, output]) => ({ id, output }));
}

function finalTasks({ tasks, timeline }: DisplayableRun): DisplayableRun['tasks'][number][] {
  if (timeline[0]?.type !== 'run_started') return [];
  // A run with a changed plan that was accepted starts again in the middle of its log.
  const position = timeline.findLastIndex(({ type }) => type === 'run_started');
  const graph = new Graph((timeline[position] as RunStarted).plan.tasks);
  for (const event of timeline.slice(position)) {
    if (event.type !== 'tasks_added') continue;
    const isChild = event.source === 'for_each' || event.source === 'repeat';
    graph.add(event.tasks, isChild ? graph.indexOf(event.taskId as string) : undefined);
  }
  const used = new Set<number>();
  for (const [index, { status }] of tasks.entries()) {
    if (status !== 'completed') continue;
    graph.eachDependency(index, (dependency) => used.add(dependency));
  }
  // The output of a subtask is part of its parent's output.
  return tasks.filter(
    ({ status, parentId }, index) =>
      status === 'completed' && parentId === undefined && !used.has(index),
  );
}

function asText(output: unknown): string {
  return typeof output === 'string'
    ? output
    : (JSON.stringify(output, undefined, 2) ?? '(no output)');
}
