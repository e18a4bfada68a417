// A plan with a graph, a fan-out, retries and an approval, and its runner, all derived from a seed.
import { createHash } from 'node:crypto';
import { RunnerError } from '@stratagem/core';

const ITEMS = 8;

/** The number of tasks: a graph, a list, a fan-out with its items, an approval, the end. */
export function sizeOf(layered) {
  return layered + 1 + (1 + ITEMS) + 1 + 1;
}

/** @param layered The number of tasks in a random graph. */
export function planOf(seed, layered) {
  const tasks = Array.from({ length: layered }, (_, index) => ({
    id: `task-${index}`,
    description: `Do ${index}`,
    dependencies: dependenciesOf(seed, index),
  }));
  tasks.push(
    { id: 'list', description: 'List them', dependencies: ['task-1'] },
    { id: 'each', description: 'Do {{item}}', dependencies: ['list'], forEach: { items: 'list' } },
    { id: 'ask', description: 'May it go on?', waitFor: 'approval', dependencies: ['task-2'] },
    {
      id: 'end',
      description: 'Put it together',
      dependencies: ['each', 'ask', `task-${layered - 1}`],
    },
  );
  return { goal: `Survive ${seed}`, tasks, retry: { initialDelayMs: 2, maxDelayMs: 4 } };
}

/**
 * Responds after a moment with an output derived from the run, the task and its prompt, which has the
 * outputs of its dependencies in it.
 *
 * @param onStart Called at the start of each attempt.
 */
export function runnerOf(maxMs, onStart = () => {}) {
  return {
    name: 'seeded',
    async run({ taskId, prompt }, { runId, attempt, emit }) {
      onStart(runId, taskId, attempt);
      await emit('Wait. ');
      await new Promise((resolve) => setTimeout(resolve, draw(runId, `time of ${taskId}`, maxMs)));
      if (attempt < attemptsOf(runId, taskId)) throw new RunnerError('overloaded', 'later');
      if (taskId === 'list') {
        return { output: Array.from({ length: ITEMS }, (_, n) => `element ${n}`) };
      }
      const digest = createHash('sha256').update(`${runId} ${taskId} ${prompt}`).digest('hex');
      return { output: digest };
    },
  };
}

/** The number of attempts of a task: mostly one, sometimes two or three. */
function attemptsOf(seed, taskId) {
  return [1, 1, 1, 1, 2, 3][draw(seed, `attempts of ${taskId}`, 6)];
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
function draw(seed, purpose, bound) {
  return createHash('sha256').update(`${seed} ${purpose}`).digest().readUInt32BE() % bound;
}
