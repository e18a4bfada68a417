import {
  type AttemptErrorCode,
  type RunContext,
  RunnerError,
  type RunnerErrorDetails,
  type TaskOutput,
  type TaskRequest,
  type TaskRunner,
} from '@stratagem/core';

/** The result of a request: a response, an error to throw, or a function that returns or throws. */
export type Outcome =
  | TaskOutput
  | Error
  | ((request: TaskRequest, context: RunContext) => TaskOutput | Promise<TaskOutput>);

/** A runner with an outcome per request; further requests get the last outcome again. */
export function scripted(
  name: string,
  ...outcomes: readonly Outcome[]
): TaskRunner & { readonly contexts: RunContext[]; readonly requests: TaskRequest[] } {
  const contexts: RunContext[] = [];
  const requests: TaskRequest[] = [];
  return {
    name,
    contexts,
    requests,
    async run(request, context) {
      const outcome = outcomes[contexts.length] ?? outcomes.at(-1) ?? { output: name };
      contexts.push(context);
      requests.push(request);
      if (outcome instanceof Error) throw outcome;
      return typeof outcome === 'function' ? outcome(request, context) : outcome;
    },
  };
}

export function failure(code: AttemptErrorCode, details: RunnerErrorDetails = {}): RunnerError {
  return new RunnerError(code, `it was ${code}`, details);
}

/** Resolves after a time; rejects when the attempt is aborted first. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new RunnerError('aborted', 'it was stopped'));
    });
  });
}
