import { describe, expect, test } from 'vitest';
import type { OutputPart } from '../contract/output-part.js';
import type { Scheduler, Strategy, TaskView } from '../contract/strategy.js';
import { simulate } from '../simulate.js';
import { strategyConformance } from '../testing.js';
import { Heap } from '../util/heap.js';

const byIndex = (a: TaskView, b: TaskView) => a.index - b.index;

function strategyOf(begin: () => Scheduler, maxParallel = 4): Strategy {
  return { name: 'subject', maxParallel, begin };
}

function sound(): Scheduler {
  const ready = new Heap<TaskView>(byIndex);
  return { ready: (task) => ready.push(task), next: () => ready.pop() };
}

async function failures(create: () => Strategy): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run } of strategyConformance(create)) {
    try {
      await run();
    } catch {
      failed.push(name);
    }
  }
  return failed;
}

describe('strategyConformance', () => {
  for (const { name, run } of strategyConformance(() => strategyOf(sound))) test(name, run);

  test('detects a strategy that loses tasks', async () => {
    const forgetful = () => {
      const scheduler = sound();
      let count = 0;
      return {
        ...scheduler,
        ready: (task: TaskView) => ++count % 10 !== 0 && scheduler.ready(task),
      };
    };
    expect(await failures(() => strategyOf(forgetful as never))).toContain(
      'completes every task of every kind of plan',
    );
  });

  test('detects a random strategy', async () => {
    const random = () => {
      const ready: TaskView[] = [];
      return {
        ready: (task: TaskView) => void ready.push(task),
        next: () => ready.splice(Math.floor(Math.random() * ready.length), 1)[0],
      };
    };
    expect(await failures(() => strategyOf(random))).toContain(
      'makes the same choices when the run is repeated',
    );
  });

  test('detects a strategy whose runs share state', async () => {
    const ready = new Heap<TaskView>(byIndex);
    const shared = () => ({ ready: (task: TaskView) => ready.push(task), next: () => ready.pop() });
    expect(await failures(() => strategyOf(shared))).toContain(
      'keeps the state of concurrent runs apart',
    );
  });

  test('detects a strategy that throws after failures', async () => {
    const strict = () => ({
      ...sound(),
      settled(_: TaskView, { ok }: { ok: boolean }) {
        if (!ok) throw new Error('did not expect that');
      },
    });
    expect(await failures(() => strategyOf(strict))).toEqual([
      'still runs independent tasks when tasks fail',
      'runs tasks that run after failures, also when the others are stopped',
      'schedules tasks again whose attempts are retried',
    ]);
  });

  test('detects a strategy that throws at reported output', async () => {
    const textOnly = () => ({
      ...sound(),
      output(_: TaskView, part: OutputPart) {
        if (part.kind !== 'text') throw new Error('did not expect that');
      },
    });
    expect(await failures(() => strategyOf(textOnly))).toEqual([
      'tolerates the output that attempts report',
      'does not change its arguments',
    ]);
  });

  test('detects a strategy that remembers the runs of a server that have ended', async () => {
    const known = new WeakSet<object>();
    const remembering: Strategy['begin'] = (run) => {
      const ready: TaskView[] = [];
      let isKnown = false;
      return {
        ready(task) {
          isKnown ||= known.has(run.serverOf(task));
          ready.push(task);
        },
        next: () => (isKnown ? ready.pop() : ready.shift()),
        settled: (task) => void known.add(run.serverOf(task)),
      };
    };
    const create = () => ({ name: 'subject', maxParallel: 4, begin: remembering });
    expect(await failures(create)).toContain('forgets the runs at a server that have ended');
  });

  test('detects a strategy that keeps a run waiting for the others at its server', async () => {
    const inFlight = new WeakMap<object, number>();
    const exclusive: Strategy['begin'] = (run) => {
      const ready: TaskView[] = [];
      const add = (task: TaskView, count: number) => {
        const server = run.serverOf(task);
        inFlight.set(server, (inFlight.get(server) ?? 0) + count);
      };
      return {
        ready: (task) => void ready.push(task),
        next() {
          const [task] = ready;
          if (task === undefined || (inFlight.get(run.serverOf(task)) ?? 0) >= 4) return undefined;
          add(task, 1);
          return ready.shift();
        },
        settled: (task) => add(task, -1),
      };
    };
    const create = () => ({ name: 'subject', maxParallel: 4, begin: exclusive });
    expect(await failures(create)).toEqual([
      'completes runs that are under way at the same server',
    ]);
  });

  test('detects a strategy that shares reported output between runs', async () => {
    let heard = 0;
    const forgetsNothing = () => {
      const ready: TaskView[] = [];
      return {
        ready: (task: TaskView) => void ready.push(task),
        next: () => (heard < 100 ? ready.shift() : ready.pop()),
        output: () => void heard++,
      };
    };
    expect(await failures(() => strategyOf(forgetsNothing))).toEqual([
      'tolerates the output that attempts report',
    ]);
  });

  test('detects a strategy that changes reported output', async () => {
    const shouting = () => ({
      ...sound(),
      output(_: TaskView, part: OutputPart) {
        if (part.kind === 'text') Object.assign(part, { text: part.text.toUpperCase() });
      },
    });
    expect(await failures(() => strategyOf(shouting))).toEqual(['does not change its arguments']);
  });

  test('detects a strategy that changes its tasks', async () => {
    const scribbling = () => {
      const scheduler = sound();
      return {
        ...scheduler,
        ready(task: TaskView) {
          (task as { level: number }).level = 0;
          scheduler.ready(task);
        },
      };
    };
    expect(await failures(() => strategyOf(scribbling))).toEqual(['does not change its arguments']);
  });
});

describe('simulate', () => {
  const plan = {
    goal: 'simulate',
    tasks: [
      { id: 'a', description: 'x', estimate: { durationMs: 30 } },
      { id: 'b', description: 'x' },
      { id: 'c', description: 'x', dependencies: ['a'] },
    ],
  };

  test('uses the estimated durations, or a second, in virtual time', () => {
    const { status, metrics, tasks } = simulate(plan, { strategy: strategyOf(sound) });
    expect(status).toBe('completed');
    expect(metrics).toMatchObject({
      executionTimeMs: 1030,
      criticalPathMs: 1030,
      totalWorkMs: 2030,
    });
    expect(tasks.map((task) => task.startedAt)).toEqual([0, 0, 30]);
  });

  test('uses durations, outputs and failures of its caller', () => {
    const result = simulate(plan, {
      strategy: strategyOf(sound),
      attempt: ({ id }) =>
        id === 'a' ? { durationMs: 5, error: new Error('no') } : { durationMs: 7, output: id },
    });
    expect(result.status).toBe('failed');
    expect(result.outputs).toEqual({ b: 'b' });
    expect(result.metrics.executionTimeMs).toBe(7);
  });

  test('applies maxParallel, failFast and deadlineMs', () => {
    const strategy = strategyOf(sound);
    expect(simulate(plan, { strategy, maxParallel: 1 }).metrics.executionTimeMs).toBe(2030);
    expect(simulate(plan, { strategy, deadlineMs: 100 }).error?.code).toBe('deadline_exceeded');
    const failing = { durationMs: 1, error: new Error('no') };
    const stopped = simulate(plan, { strategy, failFast: true, attempt: () => failing });
    expect(stopped.metrics).toMatchObject({ failedTasks: 1, canceledTasks: 1, skippedTasks: 1 });
  });

  test('throws when it would never end', () => {
    const attempt = () => ({ durationMs: Number.POSITIVE_INFINITY });
    expect(() => simulate(plan, { strategy: strategyOf(sound), attempt })).toThrow(/never ends/);
    const limited = simulate(plan, { strategy: strategyOf(sound), attempt, deadlineMs: 10 });
    expect(limited.error?.code).toBe('deadline_exceeded');
  });
});
