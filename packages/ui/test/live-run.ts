import { createExecutor, type Journal, type RunHandle, type TaskRunner } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';

/** A run whose tasks end when a test says so. */
export interface LiveRun {
  readonly run: RunHandle;
  /** Ends the attempt of a task that is in flight, or as soon as it starts. */
  finish(taskId: string, outcome?: { readonly error: Error }): void;
}

const PLAN = {
  goal: 'Index four documents',
  tasks: [
    { id: 'list', description: 'List the documents' },
    ...['a', 'b', 'c', 'd'].map((name) => ({
      id: `read-${name}`,
      description: `Read document ${name}`,
      dependencies: ['list'],
    })),
    {
      id: 'publish',
      description: 'Publish four pages?',
      dependencies: ['read-a'],
      waitFor: 'approval' as const,
    },
    {
      id: 'title',
      description: 'Which title?',
      dependencies: ['publish'],
      waitFor: 'answer' as const,
    },
    { id: 'end', description: 'Write the index', dependencies: ['title', 'read-b', 'read-c'] },
  ],
};

type Outcome = { readonly error: Error } | undefined;

interface Gate {
  readonly promise: Promise<Outcome>;
  readonly resolve: (outcome: Outcome) => void;
}

function newGate(): Gate {
  let resolve: (outcome: Outcome) => void = () => {};
  const promise = new Promise<Outcome>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** Starts a run of eight tasks with a cap of 2. */
export function startLiveRun(journal?: Journal): LiveRun {
  const gates = new Map<string, Gate>();
  const gateOf = (taskId: string): Gate => {
    const gate = gates.get(taskId) ?? newGate();
    gates.set(taskId, gate);
    return gate;
  };
  const runner: TaskRunner = {
    name: 'gated',
    async run({ taskId }, { signal, emit }) {
      await emit(`Working on ${taskId}…`);
      const aborted = new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
      const outcome = await Promise.race([gateOf(taskId).promise, aborted]);
      gates.delete(taskId);
      if (outcome !== undefined) throw outcome.error;
      return {
        output: `The text of ${taskId}`,
        usage: { inputTokens: 10, outputTokens: 20 },
        model: 'gated-1',
      };
    },
  };
  const executor = createExecutor({
    runner,
    strategy: parallel({ maxParallel: 2 }),
    prices: { 'gated-1': { inputPerMillion: 10, outputPerMillion: 50 } },
    ...(journal !== undefined && { journal }),
  });
  const run = executor.execute(PLAN);
  return { run, finish: (taskId, outcome) => gateOf(taskId).resolve(outcome) };
}
