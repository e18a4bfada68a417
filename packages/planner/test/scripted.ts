import type { TaskOutput, TaskRequest, TaskRunner } from '@stratagem/core';

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
