import { createExecutor, createPlan, type Strategy, type TaskView } from '@stratagem/core';
import { Heap } from '@stratagem/core/strategy';
import { title } from './print.js';
import { runIfMain } from './run-if-main.js';

/** Starts the task with the shortest estimated duration first, for early results. */
export function shortestFirst(maxParallel = 2): Strategy {
  const duration = (task: TaskView) => task.estimate?.durationMs ?? 0;
  return {
    name: 'shortest-first',
    maxParallel,
    begin() {
      const ready = new Heap<TaskView>((a, b) => duration(a) - duration(b) || a.index - b.index);
      return { ready: (task) => ready.push(task), next: () => ready.pop() };
    },
  };
}

export async function run() {
  const plan = createPlan('Answer the mail');
  for (const [id, durationMs] of [
    ['contract', 90],
    ['thanks', 10],
    ['offer', 60],
    ['yes', 5],
  ] as const) {
    const work = () => new Promise<void>((resolve) => setTimeout(resolve, durationMs));
    plan.addTask({ id, estimate: { durationMs }, run: work });
  }
  return await createExecutor({ strategy: shortestFirst() }).execute(plan);
}

export async function main(): Promise<void> {
  title('Custom strategy: shortest first');
  const { timeline } = await run();
  const order = timeline.flatMap((event) => (event.type === 'task_started' ? event.taskId : []));
  console.log(`  ${order.join(' → ')}`);
}

await runIfMain(import.meta, main);
