// A plan with everything that a takeover may break, and its runner, both derived from a seed.
import { createHash } from 'node:crypto';
import { RunnerError } from '@stratagem/core';

const LAYERED = 24;
const ITEMS = 8;

/** The number of tasks: a graph, a list, a fan-out with its items, a group of two, an approval, the end. */
export const SIZE = LAYERED + 1 + (1 + ITEMS) + (1 + 2) + 1 + 1;

/** 24 tasks in a random graph, a fan-out, a group, an approval in the middle, and a final task. */
export function planOf(seed) {
  const tasks = Array.from({ length: LAYERED }, (_, index) => ({
    id: `task-${index}`,
    description: `Do ${index}`,
    dependencies: dependenciesOf(seed, index),
  }));
  tasks.push(
    { id: 'list', description: 'List them', dependencies: [`task-${draw(seed, 'list', 6)}`] },
    { id: 'each', description: 'Do {{item}}', dependencies: ['list'], forEach: { items: 'list' } },
    { id: 'ask', description: 'May it go on?', waitFor: 'approval', dependencies: ['task-4'] },
    {
      id: 'group',
      dependencies: ['ask'],
      subtasks: [
        { id: 'part-1', description: 'Do part 1' },
        { id: 'part-2', description: 'Do part 2', dependencies: ['part-1'] },
      ],
    },
    {
      id: 'end',
      description: 'Put it together',
      dependencies: ['each', 'group', `task-${LAYERED - 1}`],
    },
  );
  return { goal: `Survive ${seed}`, tasks, retry: { initialDelayMs: 2, maxDelayMs: 4 } };
}

/** The number of attempts of a task: mostly one, sometimes two or three. */
function attemptsOf(seed, taskId) {
  return [1, 1, 1, 1, 2, 3][draw(seed, `attempts of ${taskId}`, 6)];
}

/**
 * Responds after a moment with an output derived from the run, the task and its prompt, which has the
 * outputs of its dependencies in it.
 *
 * @param maxMs The longest moment.
 * @param onStart Called at the start of each attempt.
 */
export function runnerOf(maxMs, onStart = () => {}) {
  return {
    name: 'seeded',
    async run({ taskId, prompt }, { runId, attempt }) {
      onStart(runId, taskId, attempt);
      await new Promise((resolve) => setTimeout(resolve, draw(runId, `time of ${taskId}`, maxMs)));
      if (attempt < attemptsOf(runId, taskId)) throw new RunnerError('overloaded', 'later');
      if (taskId === 'list') {
        return { output: Array.from({ length: ITEMS }, (_, n) => `element ${n}`) };
      }
      const digest = createHash('sha256').update(`${runId} ${taskId} ${prompt}`).digest('hex');
      // Some are long enough to be stored outside the log.
      return { output: digest.repeat(1 + draw(runId, `length of ${taskId}`, 6)) };
    },
  };
}

/** Approves whatever a run asks for, also what was asked before it was taken over. */
export async function approveAll(run) {
  for await (const { type } of run) {
    if (type !== 'task_waiting' && type !== 'run_resumed') continue;
    // One that was answered meanwhile needs no answer.
    for (const { taskId } of run.openQuestions()) run.approve(taskId).catch(() => {});
  }
}

function dependenciesOf(seed, index) {
  const wanted = draw(seed, `dependencies of ${index}`, 4);
  const ids = Array.from({ length: index === 0 ? 0 : wanted }, (_, n) => {
    const back = 1 + draw(seed, `dependency ${n} of ${index}`, Math.min(index, 10));
    return `task-${index - back}`;
  });
  return [...new Set(ids)];
}

/** A whole number below `bound`, derived from the seed and the purpose. */
function draw(seed, what, bound) {
  return createHash('sha256').update(`${seed} ${what}`).digest().readUInt32LE() % bound;
}
