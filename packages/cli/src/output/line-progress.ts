import type {
  PlanEvent,
  ReplanStarted,
  StrategySwitched,
  TaskOutputReceived,
} from '@stratagem/core';
import { formatDuration } from '../options/parse-duration.js';
import type { Progress } from './create-progress.js';
import { failureOf } from './failure-message.js';
import { ProgressCounts } from './progress-counts.js';
import { explainSkip } from './skip-reason.js';
import { onOneLine } from './terminal-text.js';

/** Of a plan with more tasks, not every start and end gets a line. */
const MAX_TASKS_IN_DETAIL = 100;
/** How many lines such a plan gets for its counts, and how many for failed tasks. */
const COUNT_LINES = 20;
const MAX_FAILURES = 20;
/** Rare, and somebody may have to do something about them. */
const ALWAYS_SHOWN: readonly PlanEvent['type'][] = [
  'task_waiting',
  'replan_started',
  'replan_completed',
  'replan_failed',
  'goal_achieved',
  'budget_exceeded',
  'plan_paused',
  'plan_resumed',
  'resource_paused',
  'strategy_switched',
];

/** For logs: a line an event; of a large plan, its failures and now and then where it stands. */
export function createLineProgress(stream: { write(text: string): unknown }): Progress {
  const counts = new ProgressCounts();
  let began = 0;
  let nextCount = 0;

  function describeLarge(event: PlanEvent): string | undefined {
    if (event.type === 'task_failed' && counts.failed <= MAX_FAILURES) return describe(event);
    if (ALWAYS_SHOWN.includes(event.type)) return describe(event);
    if (counts.settled < nextCount || counts.settled === 0) return undefined;
    const step = counts.total / COUNT_LINES;
    while (nextCount <= counts.settled) nextCount += step;
    return `${counts}, ${counts.running} running`;
  }

  function take(event: PlanEvent): void {
    counts.apply(event);
    if (event.type === 'plan_started') {
      began = event.timestamp;
      nextCount = counts.total / COUNT_LINES;
    } else if (event.type === 'run_resumed') began += event.downMs;
  }

  return {
    recall: take,
    onEvent(event) {
      take(event);
      const inDetail = counts.total <= MAX_TASKS_IN_DETAIL;
      const text = inDetail ? describe(event) : describeLarge(event);
      if (text === undefined) return;
      const at = `[${((event.timestamp - began) / 1000).toFixed(2)} s]`;
      stream.write(`${at.padStart(11)} ${text}\n`);
    },
    suspend() {},
    resume() {},
    stop() {},
  };
}

function describe(event: PlanEvent): string | undefined {
  switch (event.type) {
    case 'task_started':
      return `started   ${onOneLine(event.taskId)}`;
    case 'task_completed':
      if (event.reused !== undefined) {
        return `reused    ${onOneLine(event.taskId)} from run ${onOneLine(event.reused.runId)}`;
      }
      return `completed ${onOneLine(event.taskId)} in ${formatDuration(event.durationMs)}`;
    case 'task_failed':
      return `failed    ${onOneLine(event.taskId)}: ${onOneLine(failureOf(event.error), 200)}`;
    case 'task_skipped':
      return `skipped   ${onOneLine(event.taskId)}: ${onOneLine(explainSkip(event.reason, event.failedTaskId))}`;
    case 'task_canceled':
      return `canceled  ${onOneLine(event.taskId)}`;
    case 'task_retrying': {
      const why = onOneLine(failureOf(event.error), 200);
      return `retrying  ${onOneLine(event.taskId)} in ${formatDuration(event.delayMs)}: ${why}`;
    }
    case 'task_waiting':
      return `waiting   ${onOneLine(event.taskId)} for an ${event.kind}`;
    case 'tasks_added':
      return `added     ${event.tasks.length} tasks${by(event.taskId)}`;
    case 'replan_started':
      return `replan    round ${event.round}: ${reasonOf(event)}`;
    case 'replan_completed':
      return `replan    round ${event.round}: adds ${event.tasks} after ${formatDuration(event.durationMs)}`;
    case 'replan_failed':
      return `replan    ${onOneLine(event.error.message, 200)}`;
    case 'goal_checked':
      return `goal      ${Math.round(event.progress * 100)} %`;
    case 'goal_achieved':
      return 'goal      achieved';
    case 'budget_exceeded':
      return `budget    for ${event.budget} is used up`;
    case 'task_output':
      return describeOutput(event);
    case 'resource_paused': {
      const { resource, pauseMs, code } = event;
      return `paused    ${onOneLine(resource)} for ${formatDuration(pauseMs)}: ${code}`;
    }
    case 'strategy_switched':
      return `strategy  ${describeSwitch(event)}`;
    case 'plan_paused':
      return 'paused';
    case 'plan_resumed':
      return 'resumed';
    case 'run_resumed':
      return `going on after ${formatDuration(event.downMs)}`;
    default:
      return undefined;
  }
}

/** `parallel, up to 16 at once (openai/gpt): the limit was not reached` */
function describeSwitch({ from, to, limit, resource, reason }: StrategySwitched): string {
  const mode = from === to ? to : `${from} → ${to}`;
  const upTo = limit === undefined ? '' : `, up to ${limit} at once`;
  const where = resource === undefined ? '' : ` (${resource})`;
  return onOneLine(`${mode}${upTo}${where}: ${reason}`, 200);
}

function reasonOf({ failedTaskIds: { length } }: ReplanStarted): string {
  if (length === 0) return 'the goal is not achieved';
  return length === 1 ? '1 task failed' : `${length} tasks failed`;
}

/** Calls of tools, and what runners say; text is left for the result. */
function describeOutput(event: TaskOutputReceived): string | undefined {
  const id = onOneLine(event.taskId);
  if (event.kind === 'tool_call') return `tool      ${id}: ${onOneLine(event.tool)}`;
  if (event.kind === 'notice') return `notice    ${id}: ${onOneLine(event.message, 200)}`;
  if (event.kind !== 'tool_result' || event.ok) return undefined;
  return `tool      ${id}: ${onOneLine(`${event.tool} failed: ${event.message}`, 200)}`;
}

function by(taskId: string | undefined): string {
  return taskId === undefined ? '' : ` by ${onOneLine(taskId)}`;
}
