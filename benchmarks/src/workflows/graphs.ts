import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Plan } from '@stratagem/core';

/** A recorded execution of a workflow. See `data/README.md`. */
export interface WorkflowGraph {
  readonly name: string;
  readonly kinds: readonly string[];
  /** For each task: the index of its kind, its run time in seconds, the indexes of its parents. */
  readonly tasks: readonly (readonly [kind: number, seconds: number, parents: readonly number[]])[];
}

/** The longest task of a workflow takes this long. Run times of days say nothing about models. */
const LONGEST_MS = 120_000;

export function readGraphs(): WorkflowGraph[] {
  const file = new URL('../../data/workflows.json.gz', import.meta.url);
  return JSON.parse(gunzipSync(readFileSync(file)).toString());
}

/** The run times of the tasks in milliseconds, scaled to a longest task of two minutes. */
export function durationsOf({ tasks }: WorkflowGraph): number[] {
  const longest = Math.max(...tasks.map(([, seconds]) => seconds));
  return tasks.map(([, seconds]) => Math.max(1, Math.round((seconds / longest) * LONGEST_MS)));
}

/**
 * The workflow as a plan. The ids of its tasks are their indexes.
 *
 * @param estimatesMs Exact estimates of the durations.
 */
export function planOf({ name, tasks }: WorkflowGraph, estimatesMs?: readonly number[]): Plan {
  return {
    goal: name,
    tasks: tasks.map(([, , parents], index) => ({
      id: `${index}`,
      description: `Do ${index}`,
      dependencies: parents.map(String),
      ...(estimatesMs && { estimate: { durationMs: estimatesMs[index] as number } }),
    })),
  };
}
