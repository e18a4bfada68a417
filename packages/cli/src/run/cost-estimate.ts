import { type Journal, readRun, type TaskForecast } from '@stratagem/core';
import type { Graph } from '@stratagem/core/kernel';

/** What the tasks of a run are expected to use. */
export interface CostEstimate {
  /** Null when nothing is known about any task. */
  readonly tokens: number | null;
  /** US dollars; null when nothing is known about any task. */
  readonly costUsd: number | null;
  /** Tasks that would call a model, about whose cost nothing is known. */
  readonly unknownTasks: number;
  /** The run whose tasks the figures come from, besides the estimates of the plan. */
  readonly fromRunId: string | null;
}

interface Spent {
  readonly model: string | undefined;
  readonly tokens: number;
  readonly costUsd: number | undefined;
}

/**
 * Estimates what the tasks that would run use: by their estimates in the plan, else by what they used in the
 * latest recorded run of the same goal.
 */
export async function estimateCost(
  graph: Graph,
  forecasts: readonly TaskForecast[],
  journal: Journal,
  goal: string,
): Promise<CostEstimate> {
  const before = (await journal.list()).find((run) => run.goal === goal);
  const spent = before === undefined ? new Map<string, Spent>() : await spentIn(journal, before.id);
  const groups = new Set(forecasts.map(({ parentId }) => parentId));
  let tokens: number | null = null;
  let costUsd: number | null = null;
  let unknownTasks = 0;
  let usesRun = false;
  for (const { taskId, parentId, runs, resource, itemsUnknown } of forecasts) {
    if (!runs || resource === undefined || !isPaid(resource) || groups.has(taskId)) continue;
    if (itemsUnknown) {
      unknownTasks++;
      continue;
    }
    // An element of a fan-out has the estimate of its parent.
    const index = graph.indexOf(taskId) ?? graph.indexOf(parentId ?? '');
    if (index === undefined) continue;
    const { estimate } = graph.taskOf(index);
    const found = spent.get(taskId);
    const recorded = found !== undefined && isOf(resource, found.model) ? found : undefined;
    const own = {
      tokens: estimate?.tokens ?? recorded?.tokens,
      costUsd: estimate?.costUsd ?? recorded?.costUsd,
    };
    usesRun ||=
      recorded !== undefined &&
      (own.tokens === recorded.tokens || own.costUsd === recorded.costUsd);
    if (own.tokens !== undefined) tokens = (tokens ?? 0) + own.tokens;
    if (own.costUsd === undefined) unknownTasks++;
    else costUsd = (costUsd ?? 0) + own.costUsd;
  }
  return { tokens, costUsd, unknownTasks, fromRunId: usesRun && before ? before.id : null };
}

/** Functions, commands, tools and the simulated model cost nothing. */
function isPaid(resource: string): boolean {
  return !/^(?:function$|command$|tool:|simulated(?:\/|$))/.test(resource);
}

/** Whether a recorded answer is of this runner and model; the name that it gives may have a date. */
function isOf(resource: string, model: string | undefined): boolean {
  const [, ...name] = resource.split('/');
  return model === undefined || name.length === 0 || model.startsWith(name.join('/'));
}

/** What the answer of each completed task of a run has used. */
async function spentIn(journal: Journal, runId: string): Promise<Map<string, Spent>> {
  const spent = new Map<string, Spent>();
  for await (const event of readRun(journal, runId)) {
    if (event.type !== 'task_completed' || event.usage === undefined) continue;
    const { taskId, model, costUsd, usage } = event;
    spent.set(taskId, { model, tokens: usage.inputTokens + usage.outputTokens, costUsd });
  }
  return spent;
}
