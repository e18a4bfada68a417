import type { TaskOutput, TaskRequest, TaskRunner } from '@stratagem/core';

/** A model that says what it is told to, one answer after the other, and keeps what it was asked. */
export interface Scripted extends TaskRunner {
  readonly requests: readonly TaskRequest[];
}

/** @param answers Outputs, whole answers of a runner (with `output` in them), or errors to throw. */
export function scripted(...answers: readonly unknown[]): Scripted {
  const requests: TaskRequest[] = [];
  return {
    name: 'scripted',
    requests,
    async run(request) {
      const answer = answers[requests.length];
      requests.push(request);
      if (answer instanceof Error) throw answer;
      return isAnswer(answer) ? answer : { output: answer };
    },
  };
}

function isAnswer(value: unknown): value is TaskOutput {
  return typeof value === 'object' && value !== null && 'output' in value;
}
