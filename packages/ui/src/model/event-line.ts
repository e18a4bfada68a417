import type { RunEvent } from '@stratagem/core';
import { describeEvent, describeOrigin, explainSwitch } from '@stratagem/core/analysis';
import { count, duration, plural } from '../view/format.js';
import { loopWords, reasonWords } from '../view/words.js';
import type { EventLine } from './run-model.js';
import { oneLine, valueText } from './texts.js';

/** A line of the list of events; undefined for pieces of text, which are part of an output. */
export function eventLine(event: RunEvent, at: number): EventLine | undefined {
  if (event.type === 'task_output' && isProse(event)) return undefined;
  const { sequence, type } = event;
  const task = 'taskId' in event ? event.taskId : undefined;
  return { sequence, at, type, ...(task !== undefined && { task }), text: sentence(event) };
}

/** What a model writes or thinks is part of its output. */
function isProse({ kind }: OutputEvent): boolean {
  return kind === 'text' || kind === 'reasoning';
}

/** The message of an error without the name of the task, which is shown beside it. */
function shortMessage(message: unknown, taskId: string | undefined): string {
  const text = String(message ?? '');
  const prefix = `Task "${taskId}" failed: `;
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
}

function sentence(event: RunEvent): string {
  switch (event.type) {
    case 'run_started':
      return `Run started${originOf(event.forkedFrom)}: ${plural(event.plan.tasks.length, 'task')} in the plan`;
    case 'strategy_initialized': {
      const limit = event.maxParallel === null ? '' : `, at most ${event.maxParallel} at once`;
      return `Strategy ${event.strategy}${limit}`;
    }
    case 'strategy_switched':
      return [
        `Strategy switched to ${event.to}: ${oneLine(String(event.reason ?? ''), 200)}`,
        oneLine(explainSwitch(event), 500),
      ]
        .filter((part) => part !== '')
        .join('. ');
    case 'task_started': {
      const what = event.attempt > 1 ? `Attempt ${event.attempt} started` : 'Started';
      return event.waitMs > 50 ? `${what}, was ready for ${duration(event.waitMs)}` : what;
    }
    case 'task_begun':
      return 'A worker began it';
    case 'task_output':
      return outputSentence(event);
    case 'task_completed': {
      const { usage } = event;
      const used =
        usage === undefined ? '' : `, ${count(usage.inputTokens + usage.outputTokens)} tokens`;
      const from = event.reused === undefined ? '' : `, taken from run ${event.reused.runId}`;
      const held = event.loop === undefined ? '' : `: ${loopWords(event.loop)}`;
      return `Completed in ${duration(event.durationMs)}${used}${from}${held}`;
    }
    case 'task_failed':
      return `Failed: ${oneLine(shortMessage(event.error.message, event.taskId), 300)}`;
    case 'task_retrying':
      return `Attempt ${event.attempt} failed (${event.error.code}), retry in ${duration(event.delayMs)}`;
    case 'task_waiting':
      return `Waiting for an ${event.kind}: ${oneLine(event.question, 200)}`;
    case 'tool_approval_requested':
      return `Asks to call ${event.tool}`;
    case 'tool_approval_decided':
      if (event.withdrawn) return `No longer asks to call ${event.tool}`;
      return `The call of ${event.tool} was ${event.approved ? 'approved' : 'rejected'}`;
    case 'task_skipped':
      return `Skipped: ${event.failedTaskId === undefined ? reasonWords(event.reason) : `${event.failedTaskId} failed`}`;
    case 'task_canceled':
      return `Canceled: ${reasonWords(event.reason)}`;
    case 'tasks_added':
      if (event.tasks.length === 0) return 'All items were read';
      return event.source === 'repeat'
        ? `Iteration ${event.tasks[0]?.id ?? ''} follows`
        : `${plural(event.tasks.length, 'task')} added`;
    case 'goal_checked':
      return `Goal ${Math.round(event.progress * 100)} % reached`;
    case 'goal_achieved':
      return 'Goal reached: no more tasks start';
    case 'budget_exceeded':
      return `Budget used up: ${event.budget}${ofResource(event.resource)} is limited to ${count(event.limit)}`;
    case 'replan_started':
      return `Asking the planner for more tasks, round ${event.round}`;
    case 'replan_completed':
      return `The planner added ${plural(event.tasks, 'task')} in ${duration(event.durationMs)}`;
    case 'replan_failed':
      return `The planner failed: ${oneLine(event.error.message, 300)}`;
    case 'criterion_met':
      return `The criterion "${event.name}" was said to be met`;
    case 'run_paused':
      return 'Run paused: no task starts';
    case 'run_unpaused':
      return 'Run continues';
    case 'places_waiting':
      return event.isWaiting ? 'Waiting for places that other runs hold' : 'Places are free again';
    case 'resource_paused':
      return `${event.resource} asked to wait ${duration(event.pauseMs)} (${event.code})`;
    case 'run_resumed':
      return `Resumed after ${duration(event.downtimeMs)} down`;
    case 'max_parallel_changed':
      return `Limit changed to ${event.maxParallel ?? 'none'}`;
    case 'run_completed':
      return `Run completed in ${duration(event.durationMs)}`;
    case 'run_failed':
      return `Run failed after ${duration(event.durationMs)}: ${oneLine(event.error.message, 300)}`;
    case 'run_canceled':
      return `Run canceled after ${duration(event.durationMs)}`;
    default:
      return describeEvent(event);
  }
}

type OutputEvent = Extract<RunEvent, { readonly type: 'task_output' }>;

function outputSentence(event: OutputEvent): string {
  switch (event.kind) {
    case 'tool_call':
      return `Called ${event.tool}(${oneLine(valueText(event.input), 120)})`;
    case 'tool_result':
      return event.ok
        ? `${event.tool} answered ${oneLine(valueText(event.output), 120)}`
        : `${event.tool} failed: ${oneLine(event.message ?? '', 120)}`;
    case 'step':
      return `The model answered request ${event.step}`;
    case 'notice':
      return `${event.source}: ${oneLine(event.message, 200)}`;
    default:
      return describeEvent(event);
  }
}

function ofResource(resource: string | undefined): string {
  return resource === undefined ? '' : ` of ${oneLine(resource, 100)}`;
}

function originOf(origin: Extract<RunEvent, { type: 'run_started' }>['forkedFrom']): string {
  return origin === undefined ? '' : ` as a fork of ${describeOrigin(origin)}`;
}
