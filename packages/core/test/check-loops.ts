import { isMet } from '../src/contract/condition.js';
import type { TaskError } from '../src/contract/errors.js';
import type { TaskCompleted } from '../src/contract/event.js';
import { type Repeat, repeatOf } from '../src/contract/repeat.js';
import type { Task } from '../src/contract/task.js';
import type { Account } from './account.js';
import { inputsOf } from './check-inputs.js';
import { must } from './must.js';

/**
 * Whether an iteration may have had this outcome of the condition. A function that is not recorded may
 * have had any.
 */
function mayBe(wanted: boolean, { task, local, isCopy }: Account, iteration: Account): boolean {
  const own = isCopy || task.id.includes('[') ? local.id : task.id;
  const inputs = Object.fromEntries([...inputsOf(iteration), [own, iteration.output]]);
  try {
    return isMet('until', (task.repeat as Repeat).until, inputs) === wanted;
  } catch (thrown) {
    return String(thrown).includes('a function is not recorded');
  }
}

/** Checks that a loop may have another iteration, and its tasks. */
export function checkNextIteration(loop: Account, tasks: readonly Task[]): void {
  const { task, children, lastIteration } = loop;
  const { id } = task;
  must(loop.isLoop, 'only loops have iterations', id);
  const { maxIterations } = repeatOf(task.repeat as Repeat);
  must(children.length < maxIterations, 'a loop has no more than maxIterations', id);
  const last = children.at(-1);
  must(
    last === undefined || last.status === 'completed' || last.reason === 'requested',
    'an iteration follows one that went well, or that somebody skipped',
    id,
  );
  must(
    last?.status !== 'completed' || mayBe(false, loop, last),
    'an iteration follows one whose condition does not hold',
    id,
  );
  must(tasks.length === 1, 'iterations come one by one', id);
  const [next] = tasks as [Task];
  must(next.id === `${id}#${children.length + 1}`, 'iterations are numbered', next.id);
  const before = lastIteration === undefined ? [] : [lastIteration.task.id];
  must(String(next.dependencies) === String(before), 'an iteration follows the last one', next.id);
}

/** Checks how a loop completed, before it counts as completed. */
export function checkLoop(loop: Account, { output, loop: result }: TaskCompleted): void {
  const { task, children, lastIteration } = loop;
  const { id } = task;
  const { maxIterations, onExhausted } = repeatOf(task.repeat as Repeat);
  must(lastIteration !== undefined, 'a loop completes with an iteration', id);
  must(
    children.every((child) => child.status === 'completed' || child.reason === 'requested'),
    'a loop completes when its iterations did',
    id,
  );
  must(output === lastIteration.output, 'the output of a loop is that of its last iteration', id);
  const number = children.indexOf(lastIteration) + 1;
  must(result?.iterations === number, 'a loop counts its iterations', id);
  const isReached = result.ending === 'reached';
  if (lastIteration === children.at(-1)) {
    must(mayBe(isReached, loop, lastIteration), 'a loop says how it ended', id);
  } else must(!isReached, 'a loop that ends after a skipped iteration is exhausted', id);
  if (isReached) return;
  must(children.length === maxIterations, 'a loop is exhausted after maxIterations', id);
  must(onExhausted === 'complete', 'a loop that is to fail when exhausted fails', id);
}

/** Checks why a loop failed, and notes it for its dependents. */
export function checkFailedLoop(loop: Account, { code }: TaskError): void {
  const { task, children, lastIteration } = loop;
  const isExhausted = code === 'loop_exhausted';
  loop.loop = { ending: isExhausted ? 'exhausted' : 'failed', iterations: children.length };
  if (!isExhausted) return;
  const { maxIterations, onExhausted } = repeatOf(task.repeat as Repeat);
  must(onExhausted === 'fail', 'only a loop that is to fail when exhausted does', task.id);
  must(children.length === maxIterations, 'a loop is exhausted after maxIterations', task.id);
  const last = children.at(-1) === lastIteration ? lastIteration : undefined;
  must(
    last === undefined || mayBe(false, loop, last),
    'a loop is not exhausted when its condition holds',
    task.id,
  );
}
