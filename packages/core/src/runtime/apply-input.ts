import type { RunnerError } from '../contract/errors.js';
import type { AttemptResult } from '../contract/runner.js';
import type { Task } from '../contract/task.js';
import type { WriteAheadLog } from '../journal/write-ahead-log.js';
import type { Attempt } from './attempt.js';
import type { Input } from './input.js';
import { withDetails } from './kept-output.js';
import type { RunParts } from './run-parts.js';
import type { Borrower } from './shared-places.js';

/** Applies an input with the places that a run may take which shares them with others. */
export function applyInputWithin(
  borrower: Borrower,
  parts: RunParts,
  input: Input,
  now: number,
): void {
  parts.kernel.lend(borrower.loan(input.type === 'turn'));
  applyInput(parts, input, now);
  borrower.settle(parts.kernel, input.type !== 'output');
}

/** Gives one input to the kernel, which ignores it when it is stale. */
export function applyInput(parts: RunParts, input: Input, now: number): void {
  const { kernel, attempts, additions } = parts;
  switch (input.type) {
    case 'completed': {
      const { attempt, result } = input;
      if (parts.ahead !== undefined) completeDurably(parts, parts.ahead, attempt, result, now);
      else if (kernel.completed(attempt.index, attempt.attempt, result, now)) {
        attempts.leave(attempt);
      }
      break;
    }
    case 'failed': {
      const { attempt, thrown } = input;
      if (kernel.failed(attempt.index, attempt.attempt, thrown, now)) attempts.leave(attempt);
      break;
    }
    case 'begun':
      kernel.begun(input.attempt.index, input.attempt.attempt, now);
      break;
    case 'output':
      kernel.output(input.attempt.index, input.attempt.attempt, input.part, now);
      break;
    case 'addTasks':
      additions.removePending(input.tasks);
      if (!kernel.addTasks(input.tasks, input.by, input.attempt, now))
        kernel.stopExpectingTasks(now);
      break;
    case 'replanned':
      additions.removePending(input.revision.tasks);
      if (additions.finishRound(input.round)) {
        kernel.replanned(input.round.number, input.revision, now);
      }
      break;
    case 'replanFailed':
      if (additions.finishRound(input.round)) {
        kernel.replanFailed(input.round.number, input.thrown, now);
      }
      break;
    case 'itemsRead':
      kernel.itemsRead(input.index, input.skip, input.items, input.stream, now);
      if (!kernel.mayReadOn(input.index)) void parts.items.end(input.index);
      break;
    case 'readFailed':
      kernel.readFailed(input.index, input.skip, input.thrown, now);
      break;
    case 'answered':
      parts.answers.settle(input, kernel.answered(input.index, input.answer, now));
      break;
    case 'rejected':
      parts.answers.settle(input, kernel.rejected(input.index, input.reason, now));
      break;
    case 'approval': {
      const { attempt, request } = input;
      kernel.requestApproval(attempt.index, attempt.attempt, request, now);
      break;
    }
    case 'decided': {
      const { index, key, decision } = input;
      parts.answers.settle(input, kernel.decided(index, key, decision, now));
      break;
    }
    case 'cancelTask':
    case 'skipTask':
      parts.control.apply(input, now);
      break;
    case 'meetCriterion':
      parts.control.applyCriterion(input, now);
      break;
    case 'pause':
      kernel.pause(now);
      parts.control.settle(input);
      break;
    case 'resume':
      kernel.resume(now);
      parts.control.settle(input);
      break;
    case 'maxParallel':
      kernel.setMaxParallel(input.maxParallel, now);
      parts.control.settle(input);
      break;
    case 'turn':
      kernel.useLoan(now);
      break;
    case 'start':
      kernel.start(now);
      break;
    case 'wake':
      kernel.wake(now);
      break;
    case 'interrupt':
      parts.interruption.begin(input.isDraining);
      kernel.halt();
      break;
    case 'cancel':
      kernel.cancel(input.reason, now);
      break;
  }
}

/** An output that cannot be written has failed, and has been paid for all the same. */
function completeDurably(
  { kernel, attempts }: RunParts,
  ahead: WriteAheadLog,
  attempt: Attempt,
  result: AttemptResult,
  now: number,
): void {
  const { index, attempt: number } = attempt;
  if (kernel.isInFlight(index, number)) {
    try {
      ahead.prepare(index, kernel.graph.tasks[index] as Task, result.output);
    } catch (thrown) {
      kernel.failed(index, number, withDetails(thrown as RunnerError, result), now);
      attempts.leave(attempt);
      return;
    }
  }
  if (kernel.completed(index, number, result, now)) attempts.leave(attempt);
}
