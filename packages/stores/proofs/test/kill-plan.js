// A plan with everything that a takeover may break, and its runner, both derived from a seed.
import { createHash } from 'node:crypto';
import { RunnerError } from '@stratagem/core';

const ITEMS = 8;
/** A list, a fan-out with its items, a group of two, an approval, the end. */
const OTHERS = 1 + (1 + ITEMS) + (1 + 2) + 1 + 1;

/**
 * A random graph, a fan-out, a group, an approval in the middle, and a final task.
 *
 * @param size The number of tasks, at least 25.
 */
export function planOf(seed, size) {
  const layered = size - OTHERS;
  const tasks = Array.from({ length: layered }, (_, index) => ({
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
      dependencies: ['each', 'group', `task-${layered - 1}`],
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
 * @param told Hears of each attempt: `onStart` and `onStop`. The last task waits until `mayEnd()`.
 */
export function runnerOf(
  maxMs,
  { onStart = () => {}, onStop = () => {}, mayEnd = () => true } = {},
) {
  const respond = async ({ taskId, prompt }, runId, attempt) => {
    await sleep(draw(runId, `time of ${taskId}`, maxMs));
    while (taskId === 'end' && !mayEnd()) await sleep(20);
    if (attempt < attemptsOf(runId, taskId)) throw new RunnerError('overloaded', 'later');
    if (taskId === 'list') {
      return { output: Array.from({ length: ITEMS }, (_, n) => `element ${n}`) };
    }
    const digest = createHash('sha256').update(`${runId} ${taskId} ${prompt}`).digest('hex');
    // Some are long enough to be stored outside the log.
    return { output: digest.repeat(1 + draw(runId, `length of ${taskId}`, 6)) };
  };
  return {
    name: 'seeded',
    async run(request, { runId, attempt }) {
      onStart(runId, request.taskId, attempt);
      try {
        return await respond(request, runId, attempt);
      } finally {
        onStop(runId, request.taskId, attempt);
      }
    },
  };
}

/**
 * Approves whatever a run asks for, also what was asked before it was taken over.
 *
 * @param onDone Hears of each acknowledged completion.
 */
export async function approveAll(run, onDone = () => {}) {
  for await (const { type, taskId } of run) {
    if (type === 'task_completed') onDone(taskId);
    if (type !== 'task_waiting' && type !== 'run_resumed') continue;
    // One that was answered meanwhile needs no answer.
    for (const question of run.openQuestions()) run.approve(question.taskId).catch(() => {});
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

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A whole number below `bound`, derived from the seed and the purpose. */
function draw(seed, what, bound) {
  return createHash('sha256').update(`${seed} ${what}`).digest().readUInt32LE() % bound;
}
