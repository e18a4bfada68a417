import { RunnerError } from '../contract/errors.js';
import type { RunEvent } from '../contract/event.js';
import type { OutputPart } from '../contract/output-part.js';
import type { Plan } from '../contract/plan.js';
import type { Scheduler, Strategy } from '../contract/strategy.js';
import type { Task } from '../contract/task.js';
import { simulate } from '../simulate/simulate.js';
import type { PlanResult } from '../state/result.js';
import { assert, type ConformanceCase } from './case.js';
import { layered, planOf, plans } from './strategy-plans.js';

/**
 * The cases that every strategy must pass, for any test runner. They run the real kernel in virtual
 * time on chains, batches, diamonds, layers and random plans, also with failing tasks.
 *
 * @param create Creates a new strategy; called many times.
 *
 * @example
 * for (const { name, run } of strategyConformance(() => shortestFirst())) test(name, run);
 */
export function strategyConformance(create: () => Strategy): ConformanceCase[] {
  return [
    {
      name: 'completes every task of every kind of plan',
      run() {
        for (const [kind, plan] of plans()) {
          const result = play(plan, create());
          assert(
            result.status === 'completed',
            `${kind}: ${result.status}, ${result.error?.message}`,
          );
          const started = result.timeline.filter((event) => event.type === 'task_started');
          assert(started.length === plan.tasks.length, `${kind}: started ${started.length} tasks`);
        }
      },
    },
    {
      name: 'never exceeds its own cap or a lower cap of the run',
      run() {
        const declared = create().maxParallel ?? Number.POSITIVE_INFINITY;
        for (const [kind, plan] of plans()) {
          for (const cap of [1, 2, 7, undefined]) {
            const result = play(plan, create(), cap);
            const { peakConcurrency } = result.metrics;
            assert(result.status === 'completed', `${kind}, cap ${cap}: ${result.error?.message}`);
            assert(
              peakConcurrency <= Math.min(cap ?? declared, declared),
              `${kind}, cap ${cap}: ${peakConcurrency} tasks in flight`,
            );
          }
        }
      },
    },
    {
      name: 'completes plans whose resources have caps',
      run() {
        const resources = { a: { maxParallel: 1 }, b: { maxParallel: 3, separate: true } };
        const names = ['a', 'b', 'c'];
        const resourceOf = ({ metadata }: Task) =>
          names[Number(metadata?.position) % names.length] as string;
        for (const [kind, plan] of plans()) {
          const play = () =>
            simulate(plan, { strategy: create(), attempt: durationOf, resources, resourceOf });
          const result = play();
          assert(
            result.status === 'completed',
            `${kind}: ${result.status}, ${result.error?.message}`,
          );
          const repeated = choices(play().timeline);
          assert(choices(result.timeline) === repeated, `${kind}: a second run differs`);
        }
      },
    },
    {
      name: 'makes the same choices when the run is repeated',
      run() {
        for (const [kind, plan] of plans()) {
          const strategy = create();
          const first = choices(play(plan, strategy).timeline);
          assert(first === choices(play(plan, strategy).timeline), `${kind}: a second run differs`);
          assert(
            first === choices(play(plan, create()).timeline),
            `${kind}: a new strategy differs`,
          );
        }
      },
    },
    {
      name: 'keeps the state of concurrent runs apart',
      run() {
        const [outer, inner] = [layered(12, 5, 1), layered(7, 9, 2)];
        const strategy = create();
        const alone = choices(play(outer, create()).timeline);
        let played = 0;
        const interleaved = simulate(outer, {
          strategy,
          attempt: (task) => {
            if (played++ % 10 === 0) play(inner, strategy);
            return durationOf(task);
          },
        });
        assert(choices(interleaved.timeline) === alone, 'a run inside another run changed it');
      },
    },
    {
      name: 'still runs independent tasks when tasks fail',
      run() {
        for (const [kind, plan] of plans()) {
          for (const every of [1, 3]) {
            const result = simulate(plan, {
              strategy: create(),
              retry: { maxRetryAfterMs: 1_000 },
              attempt: (task) => {
                const fails = Number(task.metadata?.position) % every === 0;
                const error = new RunnerError('rate_limited', 'too many requests', {
                  // More than a task may wait for: such tasks fail.
                  retryAfterMs: 2_000,
                });
                return { ...durationOf(task), ...(fails && { error }) };
              },
            });
            const { completedTasks, failedTasks, skippedTasks } = result.metrics;
            assert(
              completedTasks + failedTasks + skippedTasks === plan.tasks.length,
              `${kind}: ${completedTasks} completed, ${failedTasks} failed, ${skippedTasks} skipped: ${result.error?.message}`,
            );
          }
        }
      },
    },
    {
      name: 'runs tasks that run after failures, also when the others are stopped',
      run() {
        for (const [kind, plan] of plans()) {
          for (const failFast of [false, true]) {
            const { result, cleaning } = playWithCleaning(plan, create(), failFast);
            const open = cleaning.filter(({ id }) => statusIn(result, id) !== 'completed');
            assert(
              open.length === 0,
              `${kind}: ${open.length} did not run: ${result.error?.message}`,
            );
          }
        }
      },
    },
    {
      name: 'schedules tasks again whose attempts are retried',
      run() {
        for (const [kind, plan] of plans()) {
          const result = simulate(plan, {
            strategy: create(),
            retry: { maxAttempts: 3 },
            attempt: (task, attempt) => {
              const error = new RunnerError('overloaded', 'no capacity');
              const fails = attempt <= Number(task.metadata?.position) % 3;
              return { ...durationOf(task), ...(fails && { error }) };
            },
          });
          assert(
            result.status === 'completed',
            `${kind}: ${result.status}, ${result.error?.message}`,
          );
        }
      },
    },
    {
      name: 'schedules tasks that are added at run time',
      run() {
        const [first, ...rest] = planOf(Array.from({ length: 30 }, () => [])).tasks as Task[];
        const added = rest.map((task, position) => ({
          ...task,
          dependencies: position % 2 === 0 ? [] : ['task 0', `task ${position}`],
        }));
        const result = simulate(
          { goal: 'additions', tasks: [first as Task] },
          {
            strategy: create(),
            attempt: (task) => ({
              ...durationOf(task),
              ...(task === first && { addTasks: added }),
            }),
          },
        );
        assert(result.status === 'completed', `${result.status}, ${result.error?.message}`);
        assert(result.metrics.completedTasks === 30, `${result.metrics.completedTasks} of 30`);
      },
    },
    {
      name: 'tolerates the output that attempts report',
      run() {
        for (const [kind, plan] of plans()) {
          const strategy = create();
          const first = listen(plan, strategy);
          const started = first.timeline.filter((event) => event.type === 'task_started');
          assert(first.status === 'completed', `${kind}: ${first.status}, ${first.error?.message}`);
          assert(started.length === plan.tasks.length, `${kind}: started ${started.length} tasks`);
          for (const again of [strategy, create()]) {
            const repeated = choices(listen(plan, again).timeline);
            assert(choices(first.timeline) === repeated, `${kind}: a second run differs`);
          }
        }
      },
    },
    {
      name: 'does not change its arguments',
      run() {
        for (const [kind, plan] of plans()) {
          const result = listen(plan, frozen(create()));
          assert(result.status === 'completed', `${kind}: ${result.error?.message}`);
        }
      },
    },
    {
      name: 'forgets the runs at a server that have ended',
      run() {
        const server = {};
        const strategy = create();
        const [earlier, ...others] = plans().reverse();
        listen((earlier as [string, Plan])[1], atServer(server, strategy));
        for (const [kind, plan] of others) {
          const alone = choices(listen(plan, create()).timeline);
          for (const later of [strategy, create()]) {
            const { timeline } = listen(plan, atServer(server, later));
            assert(choices(timeline) === alone, `${kind}: a run that has ended changed it`);
          }
        }
      },
    },
    {
      name: 'completes runs that are under way at the same server',
      run() {
        const [outer, inner] = [layered(12, 5, 1), layered(7, 9, 2)];
        const strategy = atServer({}, create());
        let played = 0;
        const { status, metrics } = simulate(outer, {
          strategy,
          attempt: (task) => {
            if (played++ % 10 === 0) {
              const { completedTasks } = play(inner, strategy).metrics;
              assert(completedTasks === 63, `${completedTasks} of 63 tasks of the inner run`);
            }
            return durationOf(task);
          },
        });
        assert(status === 'completed', `${metrics.completedTasks} of 60 tasks of the outer run`);
      },
    },
    {
      name: 'schedules 20,000 tasks',
      run() {
        const result = play(layered(200, 100, 3), create());
        assert(result.metrics.completedTasks === 20_000, `${result.error?.message}`);
      },
    },
  ];
}

function play(plan: Plan, strategy: Strategy, maxParallel?: number): PlanResult {
  return simulate(plan, {
    strategy,
    attempt: durationOf,
    ...(maxParallel !== undefined && { maxParallel }),
  });
}

/** Simulates the plan with a failure, and with a task that runs after each of its tasks. */
function playWithCleaning(plan: Plan, strategy: Strategy, failFast: boolean) {
  const cleaning = plan.tasks.map(({ id, metadata }): Task => {
    const description = `Clean up after ${id}`;
    return { id: description, description, metadata, dependencies: [id], runAfter: 'settled' };
  });
  const failing = plan.tasks[Math.floor(plan.tasks.length / 2)];
  const tasks = [...plan.tasks, ...cleaning];
  const result = simulate(
    { ...plan, tasks },
    {
      strategy,
      failFast,
      attempt: (task) => ({
        ...durationOf(task),
        ...(task.id === failing?.id && { error: new Error('conformance') }),
      }),
    },
  );
  return { result, cleaning };
}

function statusIn({ tasks }: PlanResult, id: string): string | undefined {
  return tasks.find((task) => task.id === id)?.status;
}

/** Simulates the plan with attempts that report output of every kind. */
function listen(plan: Plan, strategy: Strategy): PlanResult {
  return simulate(plan, {
    strategy,
    attempt: (task) => {
      const { durationMs } = durationOf(task);
      const parts = PARTS.map((part, index) => ({
        // The last part is reported at the end of the attempt.
        afterMs: (durationMs * (index + 1)) / PARTS.length,
        part,
      }));
      return { durationMs, parts };
    },
  });
}

const PARTS: readonly OutputPart[] = [
  { kind: 'notice', source: 'conformance', message: 'it begins' },
  { kind: 'text', text: 'A few words ' },
  { kind: 'tool_call', callId: 'call 1', tool: 'lookup', input: { of: 'conformance' } },
  { kind: 'tool_result', callId: 'call 1', tool: 'lookup', ok: true, output: 1, durationMs: 1 },
  { kind: 'step', step: 1, usage: { inputTokens: 20, outputTokens: 6 } },
  { kind: 'text', text: '' },
  { kind: 'text', text: 'and some more.' },
];

/** Uneven durations, so that tasks end in a different order than they start. */
function durationOf(task: Task): { durationMs: number } {
  return { durationMs: 10 + ((Number(task.metadata?.position) * 7_919) % 97) };
}

/** The order and times of starts as one comparable string. */
function choices(timeline: readonly RunEvent[]): string {
  return timeline
    .filter((event) => event.type === 'task_started')
    .map((event) => `${event.timestamp}:${event.taskId}`)
    .join();
}

/** The same strategy, for runs that all compete at one server. */
function atServer(server: object, strategy: Strategy): Strategy {
  const serverOf = () => server;
  return {
    ...strategy,
    begin: (run) =>
      strategy.begin(
        new Proxy(run, {
          get: (view, name) => (name === 'serverOf' ? serverOf : Reflect.get(view, name, view)),
        }),
      ),
  };
}

/** The same strategy, given only frozen objects. */
function frozen(strategy: Strategy): Strategy {
  return {
    ...strategy,
    begin(run) {
      const scheduler: Scheduler = strategy.begin(run);
      return {
        ready: (task) => scheduler.ready(Object.freeze(task)),
        next: (now) => scheduler.next(now),
        output: (task, part) => scheduler.output?.(task, Object.freeze({ ...part })),
        settled: (task, outcome) => scheduler.settled?.(task, Object.freeze(outcome)),
      };
    },
  };
}
