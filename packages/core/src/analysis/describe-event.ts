import type { CancelReason, RunEvent, RunStarted, SkipReason } from '../contract/event.js';
import { describeOrigin } from './describe-origin.js';
import { explainSwitch } from './explain-switch.js';

const SKIPPED: Readonly<Record<Exclude<SkipReason, 'requested'>, string>> = {
  dependency_failed: 'a task that it needs failed',
  fail_fast: 'another task failed',
  condition_false: 'its condition was false',
  nothing_failed: 'nothing failed that it would repair',
  goal_achieved: 'the goal was achieved',
  budget_exceeded: 'the budget was used up',
};

const CANCELED: Readonly<Record<Exclude<CancelReason, 'requested'>, string>> = {
  run_canceled: 'the run was canceled',
  deadline_exceeded: 'the deadline was exceeded',
  fail_fast: 'another task failed',
  goal_achieved: 'the goal was achieved',
  invalid_strategy: 'the strategy broke its contract',
};

/** The longest part of a message or an output in a sentence. */
const MAX_LENGTH = 200;

/**
 * One event of a run as an English sentence, for logs and progress displays.
 *
 * @example
 * for await (const event of executor.execute(plan)) console.log(describeEvent(event));
 * // Task "research" completed in 1.2 s.
 */
export function describeEvent(event: RunEvent): string {
  switch (event.type) {
    case 'run_started':
      return `The run of ${quoted(event.plan.goal)} started with ${count(event.plan.tasks.length, 'task')}${originOf(event)}.`;
    case 'strategy_initialized':
      return `The strategy ${quoted(event.strategy)} is ready.`;
    case 'strategy_waiting':
      return 'The strategy lets ready tasks wait.';
    case 'strategy_switched': {
      const mode = event.from === event.to ? event.to : `${event.from} to ${event.to}`;
      const limit = event.limit === undefined ? '' : ` with a limit of ${event.limit}`;
      const why = explainSwitch(event);
      return `The strategy changed: ${mode}${limit}, because ${short(event.reason)}.${why === '' ? '' : ` ${why}`}`;
    }
    case 'task_started':
      return event.attempt > 1
        ? `${task(event)} started attempt ${event.attempt}.`
        : `${task(event)} started.`;
    case 'task_begun':
      return `${task(event)} got a place, and its work began.`;
    case 'task_output':
      return describeOutput(event);
    case 'task_completed':
      if (event.reused !== undefined) {
        return `${task(event)} reused its output from run ${quoted(event.reused.runId)}.`;
      }
      if (event.loop !== undefined) {
        const { ending, iterations } = event.loop;
        const held = ending === 'reached' ? 'held' : 'did not hold';
        return `${task(event)} completed in ${duration(event.durationMs)}: its condition ${held} after ${count(iterations, 'iteration')}.`;
      }
      return event.savedTo === undefined
        ? `${task(event)} completed in ${duration(event.durationMs)}.`
        : `${task(event)} completed in ${duration(event.durationMs)} and was saved to ${quoted(event.savedTo)}.`;
    case 'task_failed':
      return `${task(event)} failed after ${duration(event.durationMs)}: ${sentence(event.error.message)}`;
    case 'task_retrying':
      return `${task(event)} is retried in ${duration(event.delayMs)}: ${sentence(event.error.message)}`;
    case 'task_waiting':
      return `${task(event)} waits for an ${event.kind}: ${sentence(event.question)}`;
    case 'tool_approval_requested':
      return `${task(event)} asks to call the tool ${quoted(event.tool)}.`;
    case 'tool_approval_decided': {
      const { approved, message, withdrawn } = event;
      if (withdrawn) {
        return `${task(event)} no longer asks to call the tool ${quoted(event.tool)}.`;
      }
      const why = approved || message === undefined ? '.' : `: ${sentence(message)}`;
      return `${task(event)} may ${approved ? '' : 'not '}call the tool ${quoted(event.tool)}${why}`;
    }
    case 'tasks_added': {
      if (event.source === 'repeat')
        return `Iteration ${quoted(event.tasks[0]?.id ?? '')} follows.`;
      const by = event.taskId === undefined ? '' : ` by task ${quoted(event.taskId)}`;
      const { length } = event.tasks;
      if (length === 0) return `Task ${quoted(event.taskId ?? '')} has read all of its items.`;
      return `${count(length, 'task')} ${length === 1 ? 'was' : 'were'} added${by}.`;
    }
    case 'task_skipped': {
      const { reason, message } = event;
      if (reason === 'requested') {
        const why = message === undefined ? '.' : `: ${sentence(message)}`;
        return `${task(event)} was skipped on request${why}`;
      }
      const why = message === undefined ? SKIPPED[reason] : short(message);
      const cause = event.failedTaskId === undefined ? '' : ` (${quoted(event.failedTaskId)})`;
      return `${task(event)} was skipped, because ${why}${cause}.`;
    }
    case 'task_canceled': {
      const { reason } = event;
      if (reason === 'requested') return `${task(event)} was canceled on request.`;
      return `${task(event)} was canceled, because ${CANCELED[reason]}.`;
    }
    case 'goal_checked':
      return `The goal is ${Math.round(event.progress * 100)}% achieved.`;
    case 'goal_achieved':
      return 'The goal is achieved.';
    case 'budget_exceeded':
      return `The budget ${quoted(event.budget)} of ${event.limit}${atResource(event)} does not suffice for task ${quoted(event.taskId)}.`;
    case 'budget_waiting':
      return `${task(event)} waits until running tasks have settled their part of the budget${atResource(event)}.`;
    case 'replan_started': {
      const { length } = event.failedTaskIds;
      const why = length === 0 ? 'the goal was not achieved' : `${count(length, 'task')} failed`;
      return `Re-planning round ${event.round} started, because ${why}.`;
    }
    case 'replan_completed':
      return `Re-planning round ${event.round} added ${count(event.tasks, 'task')} in ${duration(event.durationMs)}.`;
    case 'replan_failed':
      return `Re-planning round ${event.round} failed: ${sentence(event.error.message)}`;
    case 'criterion_met':
      return `The criterion ${quoted(event.name)} of the goal was said to be met.`;
    case 'run_paused':
      return 'The run was paused.';
    case 'run_unpaused':
      return 'The run continues after its pause.';
    case 'places_waiting':
      return event.isWaiting ? 'The run waits for places.' : 'The run no longer waits for places.';
    case 'resource_paused':
      return `${quoted(event.resource)} is paused for ${duration(event.pauseMs)}: ${event.code}.`;
    case 'run_resumed':
      return `The run was resumed after ${duration(event.downtimeMs)}.`;
    case 'max_parallel_changed':
      return event.maxParallel === null
        ? 'Any number of tasks may run at once from now on.'
        : `At most ${count(event.maxParallel, 'task')} may run at once from now on.`;
    case 'run_completed':
      return `The run completed in ${duration(event.durationMs)}.`;
    case 'run_failed':
      return `The run failed after ${duration(event.durationMs)}: ${sentence(event.error.message)}`;
    case 'run_canceled':
      return `The run was canceled after ${duration(event.durationMs)}.`;
  }
}

function describeOutput(event: Extract<RunEvent, { type: 'task_output' }>): string {
  switch (event.kind) {
    case 'text':
      return `${task(event)} wrote ${count(event.text.length, 'character')}.`;
    case 'reasoning':
      return `${task(event)} reasoned in ${count(event.text.length, 'character')}.`;
    case 'tool_call':
      return `${task(event)} called the tool ${quoted(event.tool)}.`;
    case 'tool_result': {
      const outcome = event.ok ? 'completed' : 'failed';
      return `${task(event)}: the tool ${quoted(event.tool)} ${outcome} in ${duration(event.durationMs)}.`;
    }
    case 'notice':
      return `${task(event)}: ${sentence(event.message)}`;
    case 'attachment': {
      const size = event.size === undefined ? '' : `, ${count(event.size, 'byte')}`;
      return `${task(event)} got ${quoted(event.filename)} (${event.mediaType}${size}).`;
    }
    case 'step':
      return `${task(event)} made request ${event.step}.`;
  }
}

function task({ taskId }: { readonly taskId: string }): string {
  return `Task ${quoted(taskId)}`;
}

function quoted(text: string): string {
  return `"${short(text)}"`;
}

/** On one line, without control characters, and not too long. */
function short(text: string): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  return line.length <= MAX_LENGTH ? line : `${line.slice(0, MAX_LENGTH - 1)}…`;
}

function sentence(text: string): string {
  const line = short(text);
  return /[.!?…]$/.test(line) ? line : `${line}.`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

function atResource({ resource }: { readonly resource?: string | undefined }): string {
  return resource === undefined ? '' : ` for resource ${quoted(resource)}`;
}

function originOf({ forkedFrom }: RunStarted): string {
  if (forkedFrom === undefined) return '';
  return `, as a fork of ${describeOrigin(forkedFrom)}`;
}
