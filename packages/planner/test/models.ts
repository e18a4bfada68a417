import type { RunEvent, TaskOutput, TaskRequest, TaskRunner } from '@stratagem/core';

/** A model that returns the given answers one by one, and records its requests. */
export interface Scripted extends TaskRunner {
  readonly requests: readonly TaskRequest[];
}

/** @param answers Outputs, complete results of a runner with an `output`, or errors to throw. */
export function scripted(...answers: readonly unknown[]): Scripted {
  const requests: TaskRequest[] = [];
  return {
    name: 'scripted',
    requests,
    async run(request) {
      const answer = answers[requests.length];
      requests.push(request);
      if (answer instanceof Error) throw answer;
      return isTaskOutput(answer) ? answer : { output: answer };
    },
  };
}

function isTaskOutput(value: unknown): value is TaskOutput {
  return typeof value === 'object' && value !== null && 'output' in value;
}

/** A scripted model whose answers have a usage and a cost. */
export function planningModel(...answers: readonly unknown[]) {
  const used = { usage: { inputTokens: 10, outputTokens: 5 }, costUsd: 1 };
  const runner = scripted(
    ...answers.map((output) => (output instanceof Error ? output : { output, ...used })),
  );
  return { runner, requests: runner.requests };
}

/** A model that streams its answers token by token, four characters each. */
export function streamingModel(answers: readonly string[], tokensPerSecond: number) {
  const requests: TaskRequest[] = [];
  const remaining = [...answers];
  const runner: TaskRunner = {
    name: 'writer',
    async run(request, { emit, signal }) {
      requests.push(request);
      const answer = remaining.shift() ?? '';
      const tokens = answer.match(/[\s\S]{1,4}/g) ?? [];
      for (const token of tokens) {
        await wait(1_000 / tokensPerSecond, signal);
        await emit(token);
      }
      const usage = { inputTokens: 10, outputTokens: tokens.length };
      return { output: answer, usage, costUsd: 1 };
    },
  };
  return { runner, requests };
}

/** Uses the timers that tests replace. */
function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/** Completes tasks after the latency; the tasks in `failing` fail in every attempt. */
export function workerModel({ latencyMs = 0, failing = [] as readonly string[] } = {}) {
  const requests: TaskRequest[] = [];
  const runner: TaskRunner = {
    name: 'worker',
    async run(request, { signal }) {
      requests.push(request);
      if (latencyMs > 0) await wait(latencyMs, signal);
      if (failing.includes(request.taskId)) throw new Error('it cannot be done');
      const output = `${request.taskId} is done`;
      return { output, usage: { inputTokens: 3, outputTokens: 2 }, costUsd: 0.5 };
    },
  };
  return { runner, requests };
}

export function eventsOf<Type extends RunEvent['type']>(
  events: readonly RunEvent[] | undefined,
  type: Type,
): Extract<RunEvent, { type: Type }>[] {
  return (events ?? []).filter((event): event is Extract<RunEvent, { type: Type }> => {
    return event.type === type;
  });
}
