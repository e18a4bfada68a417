import type { Plan, Task, TaskType } from '@stratagem/core';
import type { Demand } from '../servers/server.js';
import { randomFrom, spread } from '../util/random.js';

/** A plan, and the demands of its tasks, which the plan itself does not contain. */
export interface Workload {
  readonly name: string;
  /** The plan has no estimates, so that strategies have to learn the durations. */
  readonly plan: Plan;
  readonly demandOf: (task: Task) => Demand;
}

/** A task of a workload. */
export interface WorkloadTask {
  readonly id: string;
  readonly dependencies?: readonly string[] | undefined;
  /** @default 'action' */
  readonly type?: TaskType | undefined;
  /**
   * Its duration on an idle server, in milliseconds.
   * @default 1_000
   */
  readonly workMs?: number | undefined;
}

/** Creates a workload of these tasks. */
export function createWorkload(name: string, given: readonly WorkloadTask[]): Workload {
  const demands = new Map(given.map(({ id, workMs = 1_000 }) => [id, demandOf(id, workMs)]));
  const tasks = given.map(
    ({ id, dependencies = [], type = 'action' }): Task => ({
      ...{ id, type, dependencies },
      description: `Do ${id}`,
    }),
  );
  return {
    name,
    plan: { goal: name, tasks },
    demandOf: ({ id }) => demands.get(id) as Demand,
  };
}

/** The demand of a model that writes 200 tokens per second and reads about 600 tokens. */
function demandOf(id: string, workMs: number): Demand {
  return {
    workMs,
    inputTokens: Math.round(600 * spread(randomFrom(id, 'input'), 0.5)),
    outputTokens: Math.max(1, Math.round(workMs / 5)),
  };
}
