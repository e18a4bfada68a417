import type {
  ReplanStarted,
  RunEvent,
  StrategySwitched,
  TaskOutputReceived,
} from '@stratagem/core';
import { describeOrigin, explainSwitch } from '@stratagem/core/analysis';
import { failureMessage } from './failure-message.js';
import { formatDuration } from './format-duration.js';
import { loopText } from './loop-words.js';
import { plural } from './plural.js';
import type { Progress } from './progress.js';
import { ProgressCounts } from './progress-counts.js';
import { skipReason } from './skip-reason.js';
import { onOneLine } from './terminal-text.js';

/** A larger plan gets no line for each task. */
const MAX_TASKS_IN_DETAIL = 100;
/** The number of lines that a larger plan gets for its counts, and for failed tasks. */
const COUNT_LINES = 20;
const MAX_FAILURES = 20;
/** Rare events that may need attention. */
const ALWAYS_SHOWN: readonly RunEvent['type'][] = [
  'task_waiting',
  'tool_approval_requested',
  'tool_approval_decided',
  'replan_started',
  'replan_completed',
  'replan_failed',
  'goal_achieved',
  'criterion_met',
  'budget_exceeded',
  'run_paused',
  'run_unpaused',
  'resource_paused',
  'strategy_switched',
];

/** For logs: one line per event. A large plan gets regular counts and its failures instead. */
export function createLineProgress(stream: { write(text: string): unknown }): Progress {
  const counts = new ProgressCounts();
  let isFork = false;
  let startedAt = 0;
  let nextCount = 0;

  function describeLarge(event: RunEvent): string | undefined {
    if (event.type === 'task_failed' && counts.failed <= MAX_FAILURES) return describeEvent(event);
    if (ALWAYS_SHOWN.includes(event.type)) return describeEvent(event);
    if (counts.settled < nextCount || counts.settled === 0) return undefined;
    const step = counts.total / COUNT_LINES;
    while (nextCount <= counts.settled) nextCount += step;
    return `${counts}, ${counts.running} running`;
  }

  function count(event: RunEvent): void {
    counts.apply(event);
    if (event.type === 'run_started') {
      startedAt = event.timestamp;
      isFork = event.forkedFrom !== undefined;
      nextCount = counts.total / COUNT_LINES;
    } else if (event.type === 'run_resumed') startedAt += event.downtimeMs;
  }

  return {
    restore: count,
    onEvent(event) {
      count(event);
      // That a fork goes on from the results of another run has been said.
      if (event.type === 'run_resumed' && isFork) {
        isFork = false;
        return;
      }
      const inDetail = counts.total <= MAX_TASKS_IN_DETAIL;
      const text = inDetail ? describeEvent(event) : describeLarge(event);
      if (text === undefined) return;
      const at = `[${((event.timestamp - startedAt) / 1000).toFixed(2)} s]`;
      stream.write(`${at.padStart(11)} ${text}\n`);
    },
    suspend() {},
    resume() {},
    stop() {},
  };
}

function describeEvent(event: RunEvent): string | undefined {
  switch (event.type) {
    case 'task_started':
      return `started   ${onOneLine(event.taskId)}`;
    case 'task_completed':
      if (event.reused !== undefined) {
        return `reused    ${onOneLine(event.taskId)} from run ${onOneLine(event.reused.runId)}`;
      }
      return `completed ${onOneLine(event.taskId)} in ${formatDuration(event.durationMs)}${event.loop === undefined ? '' : ` (${loopText(event.loop)})`}`;
    case 'task_failed':
      return `failed    ${onOneLine(event.taskId)}: ${onOneLine(failureMessage(event.error), 200)}`;
    case 'task_skipped':
      return `skipped   ${onOneLine(event.taskId)}: ${onOneLine(skipReason(event.reason, event.failedTaskId))}`;
    case 'task_canceled':
      return `canceled  ${onOneLine(event.taskId)}`;
    case 'task_retrying': {
      const why = onOneLine(failureMessage(event.error), 200);
      return `retrying  ${onOneLine(event.taskId)} in ${formatDuration(event.delayMs)}: ${why}`;
    }
    case 'task_waiting':
      return `waiting   ${onOneLine(event.taskId)} for an ${event.kind}`;
    case 'tool_approval_requested':
      return `waiting   ${onOneLine(event.taskId)} for an approval of ${onOneLine(event.tool)}`;
    case 'tool_approval_decided': {
      const verb = event.withdrawn ? 'withdrawn' : event.approved ? 'approved ' : 'rejected ';
      return `${verb} ${onOneLine(event.tool)} of ${onOneLine(event.taskId)}`;
    }
    case 'tasks_added':
      return event.source === 'repeat'
        ? `repeat    ${onOneLine(event.tasks[0]?.id ?? '')}`
        : event.tasks.length === 0
          ? `read      all items of ${onOneLine(event.taskId ?? '')}`
          : `added     ${plural(event.tasks.length, 'task')}${by(event.taskId)}`;
    case 'replan_started':
      return `replan    round ${event.round}: ${replanReason(event)}`;
    case 'replan_completed':
      return `replan    round ${event.round}: added ${plural(event.tasks, 'task')} in ${formatDuration(event.durationMs)}`;
    case 'replan_failed':
      return `replan    ${onOneLine(event.error.message, 200)}`;
    case 'goal_checked':
      return `goal      ${Math.round(event.progress * 100)}%`;
    case 'goal_achieved':
      return 'goal      achieved';
    case 'budget_exceeded':
      return `budget    ${BUDGETS[event.budget]} used up${atResource(event.resource)}`;
    case 'task_output':
      return describeOutput(event);
    case 'resource_paused': {
      const { resource, pauseMs, code } = event;
      return `paused    ${onOneLine(resource)} for ${formatDuration(pauseMs)}: ${code}`;
    }
    case 'strategy_switched':
      return `strategy  ${describeSwitch(event)}`;
    case 'criterion_met':
      return `goal      ${onOneLine(event.name)} is met, as somebody said`;
    case 'run_paused':
      return 'paused';
    case 'run_unpaused':
      return 'resumed';
    case 'run_started':
      return event.forkedFrom && `forked    from ${onOneLine(describeOrigin(event.forkedFrom))}`;
    case 'run_resumed':
      return `resumed   after ${formatDuration(event.downtimeMs)}`;
    default:
      return undefined;
  }
}

/** `parallel, limit 16 (openai/gpt): the limit was not reached` */
function describeSwitch(event: StrategySwitched): string {
  const { from, to, limit, resource, reason } = event;
  const mode = from === to ? to : `${from} → ${to}`;
  const cap = limit === undefined ? '' : `, limit ${limit}`;
  const scope = resource === undefined ? '' : ` (${resource})`;
  const why = explainSwitch(event);
  return onOneLine(`${mode}${cap}${scope}: ${reason}${why === '' ? '' : `. ${why}`}`, 500);
}

function replanReason({ failedTaskIds: { length } }: ReplanStarted): string {
  if (length === 0) return 'the goal was not achieved';
  return `${plural(length, 'task')} failed`;
}

/** Describes tool calls and notices of runners; streamed text appears in the result only. */
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

const BUDGETS: Readonly<Record<Extract<RunEvent, { type: 'budget_exceeded' }>['budget'], string>> =
  {
    tokens: 'token budget',
    costUsd: 'cost budget',
    tasks: 'number of tasks',
    wallTimeMs: 'time budget',
  };

function atResource(resource: string | undefined): string {
  return resource === undefined ? '' : ` at ${onOneLine(resource)}`;
}
