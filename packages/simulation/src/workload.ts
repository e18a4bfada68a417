import type { Plan, Task, TaskType } from '@stratagem/core';
import { randomFrom, spread } from './random.js';
import type { Demand } from './server.js';

/** A plan, and what its tasks take, of which the plan says nothing. */
export interface Workload {
  readonly name: string;
  /** Without estimates: what a strategy knows about durations it has to learn. */
  readonly plan: Plan;
  readonly demandOf: (task: Task) => Demand;
}

/** A task of a workload. */
export interface Step {
  readonly id: string;
  readonly dependencies?: readonly string[];
  /** @default 'action' */
  readonly type?: TaskType;
  /** How long it takes on an idle server, in milliseconds; a second when left out. */
  readonly workMs?: number;
}

/** A workload of these steps. */
export function workloadOf(name: string, steps: readonly Step[]): Workload {
  const demands = new Map(steps.map(({ id, workMs = 1_000 }) => [id, demand(id, workMs)]));
  const tasks = steps.map(
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

/** A model writes some hundred tokens a second; what it reads is a matter of its own. */
function demand(id: string, workMs: number): Demand {
  return {
    workMs,
    inputTokens: Math.round(600 * spread(randomFrom(id, 'input'), 0.5)),
    outputTokens: Math.max(1, Math.round(workMs / 5)),
  };
}
