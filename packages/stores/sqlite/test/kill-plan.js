// A plan of 200 tasks, and the runner that does them: all of it follows from a seed.
import { createHash } from 'node:crypto';
import { RunnerError } from '@stratagem/core';

const LAYERED = 146;
const ELEMENTS = 40;
const SUBTASKS = 10;

/** 146 tasks in a random graph, a fan-out over 40 elements, a group of 10 subtasks, and an end. */
export function planOf(seed) {
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
    { id: 'end', description: 'Put it together', dependencies: ['each', 'group', 'task-145'] },
  );
  return { goal: `Survive ${seed}`, tasks, retry: { initialDelayMs: 2, maxDelayMs: 4 } };
}

/** How many tasks that are: 146, the list, the fan-out and its elements, the group and its parts, the end. */
export const SIZE = LAYERED + 1 + (1 + ELEMENTS) + (1 + SUBTASKS) + 1;

/** How many attempts a task takes: most one, some two or three. */
export function attemptsOf(seed, taskId) {
  return [1, 1, 1, 1, 2, 3][draw(seed, `attempts of ${taskId}`, 6)];
}

/**
 * Answers after a moment with what follows from the task and its inputs.
 *
 * @param onStart Is told of each attempt before anything else happens.
 */
export function runnerOf(seed, onStart = () => {}) {
  return {
    name: 'seeded',
    async run(request, context) {
      const { taskId, inputs } = request;
      onStart(taskId, context);
      await new Promise((resolve) => setTimeout(resolve, draw(seed, `time of ${taskId}`, 4)));
      if (context.attempt < attemptsOf(seed, taskId)) {
        throw new RunnerError('overloaded', 'come back later');
      }
      if (taskId === 'list') {
        return { output: Array.from({ length: ELEMENTS }, (_, index) => `element ${index}`) };
      }
      const text = createHash('sha256').update(`${seed} ${taskId} ${JSON.stringify(inputs)}`);
      // Some are longer than what stands in the log itself.
      return { output: text.digest('hex').repeat(1 + draw(seed, `length of ${taskId}`, 6)) };
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

/** A whole number below `bound` that depends on the seed and on what it is for. */
function draw(seed, what, bound) {
  return createHash('sha256').update(`${seed} ${what}`).digest().readUInt32LE() % bound;
}
