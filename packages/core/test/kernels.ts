import type { Plan } from '../src/contract/plan.js';
import type { Strategy, TaskView } from '../src/contract/strategy.js';
import { Graph } from '../src/graph/graph.js';
import type { Command } from '../src/kernel/command.js';
import { Kernel } from '../src/kernel/kernel.js';
import type { KernelOptions } from '../src/kernel/options.js';
import { Heap } from '../src/util/heap.js';

/** Starts ready tasks in the order of the plan. */
export const byIndex: Strategy = {
  name: 'in-order',
  begin() {
    const ready = new Heap<TaskView>((a, b) => a.index - b.index);
    return { ready: (task) => ready.push(task), next: () => ready.pop() };
  },
};

/** A plan from the ids of its tasks and of their dependencies. */
export function planOf(dependencies: Record<string, string[]>): Plan {
  return {
    goal: 'test',
    tasks: Object.entries(dependencies).map(([id, on]) => ({
      id,
      description: id,
      dependencies: on,
    })),
  };
}

/** A kernel without limits, and readers of its commands and events. */
export function kernelOf(plan: Plan, options: Partial<KernelOptions> = {}) {
  const graph = new Graph(plan.tasks);
  const kernel = new Kernel({
    plan,
    graph,
    strategy: byIndex,
    maxParallel: 16,
    failFast: false,
    deadlineMs: Number.POSITIVE_INFINITY,
    timeoutMs: Number.POSITIVE_INFINITY,
    retry: { maxAttempts: 1 },
    budget: undefined,
    prices: {},
    replan: undefined,
    seed: 1,
    resourceOf: () => 'test',
    ...options,
  });
  const commands = () =>
    attemptsIn(kernel.commands).map(({ type, index }) => `${type} ${graph.tasks[index]?.id}`);
  const types = () =>
    kernel.log
      .events()
      .map((event) => ('taskId' in event ? `${event.type} ${event.taskId}` : event.type));
  return {
    kernel,
    graph,
    events: () => kernel.log.events(),
    commands,
    types,
  };
}

/** Takes the commands about attempts. */
export function attemptsIn(commands: Command[]) {
  return commands.splice(0).filter((command) => 'index' in command);
}
