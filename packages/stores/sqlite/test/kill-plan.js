// A plan of 200 tasks and its runner, both derived from a seed.
import { createHash } from 'node:crypto';
import { RunnerError } from '@stratagem/core';

const LAYERED = 146;
const ELEMENTS = 40;
const SUBTASKS = 10;
/** The task whose description changes with the version of the plan. Nothing depends on it. */
export const CHANGING = 'end';

/** How a run is kept: as it is, without its secrets, or with a plan that changes at every start. */
export function kindOf(seed) {
  return {
    isRedacted: draw(seed, 'redact', 2) === 1,
    isChanged: draw(seed, 'change', 2) === 1,
  };
}

/**
 * 146 tasks in a random graph, a fan-out over 40 items, a group of 10 subtasks, and a final task.
 *
 * @param version Another one has another final task.
 */
export function planOf(seed, version = 0) {
  const tasks = Array.from({ length: LAYERED }, (_, index) => ({
    id: `task-${index}`,
    description: `Do ${index}`,
    dependencies: dependenciesOf(seed, index),
  }));
  const subtasks = Array.from({ length: SUBTASKS }, (_, index) => ({
    id: `part-${index}`,
    description: `Do part ${index}`,
    ...(index > 1 && { dependencies: [`part-${draw(seed, `part ${index}`, index)}`] }),
  }));
  tasks.push(
    { id: 'list', description: 'List them', dependencies: [`task-${draw(seed, 'list', 40)}`] },
    {
      id: 'each',
      description: 'Do {{item}}',
      dependencies: ['list'],
      forEach: { items: 'list' },
    },
    { id: 'group', dependencies: [`task-${draw(seed, 'group', 60)}`], subtasks },
    {
      id: CHANGING,
      description: `Put it together (${version})`,
      dependencies: ['each', 'group', 'task-145'],
    },
  );
  return { goal: `Survive ${seed}`, tasks, retry: { initialDelayMs: 2, maxDelayMs: 4 } };
}

/** The number of tasks: the graph, the list, the fan-out with its items, the group with its subtasks, the end. */
export const SIZE = LAYERED + 1 + (1 + ELEMENTS) + (1 + SUBTASKS) + 1;

/** The number of attempts of a task: mostly one, sometimes two or three. */
export function attemptsOf(seed, taskId) {
  return [1, 1, 1, 1, 2, 3][draw(seed, `attempts of ${taskId}`, 6)];
}

/** What no file may contain when the run is redacted. */
export function secretOf(seed) {
  return `secret-of-${seed}-`;
}

/** The output that a journal keeps. */
export function redact(output) {
  return JSON.parse(JSON.stringify(output).replaceAll(/secret-of-[\d.]+-/g, '[redacted]'));
}

/**
 * Responds after a moment with an output derived from the task and its inputs. It does not depend on
 * whether the inputs were redacted.
 *
 * @param largeBytes The length of a few outputs; 0 for none.
 * @param onStart Called at the start of each attempt.
 */
export function runnerOf(seed, largeBytes = 0, onStart = () => {}) {
  const { isRedacted } = kindOf(seed);
  const secret = isRedacted ? secretOf(seed) : '';
  return {
    name: 'seeded',
    async run(request, context) {
      const { taskId, inputs, description } = request;
      onStart(taskId, context);
      await new Promise((resolve) => setTimeout(resolve, draw(seed, `time of ${taskId}`, 4)));
      if (context.attempt < attemptsOf(seed, taskId)) {
        throw new RunnerError('overloaded', 'come back later');
      }
      if (taskId === 'list') {
        return { output: Array.from({ length: ELEMENTS }, (_, n) => `${secret}element ${n}`) };
      }
      const shown = JSON.stringify(redact(inputs)).replaceAll('[redacted]', '');
      const hash = createHash('sha256').update(`${seed} ${taskId} ${description} ${shown}`);
      const digest = hash.digest('hex');
      const isLarge = largeBytes > 0 && draw(seed, `large ${taskId}`, 40) === 0;
      // Some are long enough to be stored outside the log.
      const times = isLarge ? largeBytes / 64 : 1 + draw(seed, `length of ${taskId}`, 6);
      return { output: `${secret}${digest.repeat(times)}` };
    },
  };
}

function dependenciesOf(seed, index) {
  const wanted = draw(seed, `dependencies of ${index}`, 4);
  const ids = Array.from({ length: index === 0 ? 0 : wanted }, (_, n) => {
    const back = 1 + draw(seed, `dependency ${n} of ${index}`, Math.min(index, 30));
    return `task-${index - back}`;
  });
  return [...new Set(ids)];
}

/** A whole number below `bound`, derived from the seed and the purpose. */
function draw(seed, what, bound) {
  return createHash('sha256').update(`${seed} ${what}`).digest().readUInt32LE() % bound;
}
