import type { RunnerError } from '../contract/errors.js';
import type { AttemptResult } from '../contract/runner.js';
import type { Task } from '../contract/task.js';
import type { WriteAhead } from '../journal/write-ahead-log.js';
import type { Kernel } from '../kernel/kernel.js';
import type { InFlight } from './active-attempts.js';
import type { HumanAnswers } from './answers.js';
import type { Input } from './input.js';
import type { Growth } from './task-additions.js';

/** The parts of a run that an input is about. */
export interface RunParts {
  readonly kernel: Kernel;
  readonly inFlight: InFlight;
  readonly growth: Growth;
  readonly answers: HumanAnswers;
  /** In a run with a journal. */
  readonly ahead: WriteAhead | undefined;
}

/** One input's way into the kernel, unless it is of no interest any more. */
export function takeInto(parts: RunParts, input: Input, time: number): void {
  const { kernel, inFlight, growth } = parts;
  if ('acknowledge' in input) parts.answers.taken(input);
  if (kernel.ended) return;
  switch (input.type) {
    case 'completed':
      if (inFlight.leave(input.attempt)) complete(parts, input.attempt.index, input.result, time);
      break;
    case 'failed':
      if (inFlight.leave(input.attempt)) {
        kernel.failed(input.attempt.index, input.thrown, time);
      }
      break;
    case 'output':
      if (inFlight.has(input.attempt)) {
        kernel.output(input.attempt.index, input.part, time);
      }
      break;
    case 'addTasks':
      growth.arrived(input.tasks);
      kernel.addTasks(input.tasks, input.by, time);
      break;
    case 'replanned':
      growth.arrived(input.revision.tasks);
      if (growth.leaveRound(input.round)) kernel.replanned(input.revision, time);
      break;
    case 'replanFailed':
      if (growth.leaveRound(input.round)) kernel.replanFailed(input.thrown, time);
      break;
    case 'answered':
      kernel.answered(input.index, input.answer, time);
      break;
    case 'rejected':
      kernel.rejected(input.index, input.reason, time);
      break;
    case 'pause':
      kernel.pause(time);
      break;
    case 'resume':
      kernel.resume(time);
      break;
    case 'maxParallel':
      kernel.setMaxParallel(input.maxParallel, time);
      break;
    case 'start':
      kernel.start(time);
      break;
    case 'wake':
      kernel.wake(time);
      break;
    case 'cancel':
      kernel.cancel(input.reason, time);
      break;
  }
}

/** What cannot be written down has failed, and has been paid for all the same. */
function complete(parts: RunParts, index: number, result: AttemptResult, time: number): void {
  const { kernel, ahead } = parts;
  try {
    ahead?.prepare(index, kernel.graph.tasks[index] as Task, result.output);
  } catch (thrown) {
    const { usage, costUsd, model, requestId, rateLimits } = result;
    const details = { usage, costUsd, model, requestId, rateLimits };
    kernel.failed(index, Object.assign(thrown as RunnerError, details), time);
    return;
  }
  kernel.completed(index, result, time);
}
