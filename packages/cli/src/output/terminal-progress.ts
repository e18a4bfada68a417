import { styleText } from 'node:util';
import type { RunEvent } from '@stratagem/core';
import { createLogUpdate } from 'log-update';
import { formatDuration } from './format-duration.js';
import type { Progress } from './progress.js';
import { ProgressCounts } from './progress-counts.js';
import { onOneLine } from './terminal-text.js';

const REDRAW_MS = 100;

/** For terminals: a block that is redrawn, with the running tasks, the counts and the time. */
export function createTerminalProgress(stream: NodeJS.WriteStream): Progress {
  const draw = createLogUpdate(stream);
  const counts = new ProgressCounts();
  const running = new Map<string, number>();
  /** The tools that running tasks are calling, by task id. */
  const toolCalls = new Map<string, string>();
  /** What tasks are waiting for, by task id. */
  const waiting = new Map<string, string>();
  /** The replanning round in progress, and its start. */
  let round: { readonly number: number; readonly since: number } | undefined;
  let suspended = false;
  let goal = '';
  let startedAt = 0;
  /** The latest event: the time of a run goes on from there, whatever the clock of the system says. */
  let latest = { timestamp: 0, receivedAt: 0 };

  const redraw = () => {
    if (suspended) return;
    // The last column and row stay free: a full line would wrap and break the redrawing.
    const width = Math.max(3, (stream.columns ?? 80) - 1);
    const rows = Math.max(1, (stream.rows ?? 24) - 4);
    const now = latest.timestamp + (performance.now() - latest.receivedAt);
    const lines = [styleText('bold', onOneLine(goal, width), { stream })];
    for (const [id, since] of [...running].slice(0, rows)) {
      const elapsed = formatDuration(now - since);
      const tool = toolCalls.get(id);
      const label = tool === undefined ? id : `${id}: ${tool}`;
      const name = onOneLine(label, Math.max(1, width - elapsed.length - 5));
      const mark = styleText('cyan', '▸', { stream });
      lines.push(`  ${mark} ${name} ${styleText('dim', elapsed, { stream })}`);
    }
    if (running.size > rows) {
      lines.push(`  ${onOneLine(`… and ${running.size - rows} more running`, width - 2)}`);
    }
    if (round !== undefined) {
      const mark = styleText('cyan', '▸', { stream });
      const elapsed = formatDuration(now - round.since);
      const room = Math.max(1, width - elapsed.length - 5);
      const label = onOneLine(`replanning, round ${round.number}`, room);
      lines.push(`  ${mark} ${label} ${styleText('dim', elapsed, { stream })}`);
    }
    const room = Math.max(0, rows - running.size);
    for (const [id, reason] of [...waiting].slice(0, room)) {
      const mark = styleText('yellow', '…', { stream });
      lines.push(`  ${mark} ${onOneLine(`${id}: ${reason}`, Math.max(1, width - 4))}`);
    }
    lines.push(onOneLine(`${counts}, ${formatDuration(now - startedAt)}`, width));
    draw(lines.join('\n'));
  };
  const timer = setInterval(redraw, REDRAW_MS);
  timer.unref();

  function update(event: RunEvent): void {
    counts.apply(event);
    latest = { timestamp: event.timestamp, receivedAt: performance.now() };
    switch (event.type) {
      case 'run_started':
        goal = event.plan.goal;
        startedAt = event.timestamp;
        redraw();
        break;
      case 'run_resumed':
        // Attempts that were in flight start again, and downtime does not count.
        startedAt += event.downtimeMs;
        for (const id of running.keys()) running.set(id, event.timestamp);
        break;
      case 'task_started':
        waiting.delete(event.taskId);
        running.set(event.taskId, event.timestamp);
        break;
      case 'task_output':
        if (event.kind === 'tool_call') toolCalls.set(event.taskId, event.tool);
        else if (event.kind === 'tool_result') toolCalls.delete(event.taskId);
        break;
      case 'task_retrying':
        running.delete(event.taskId);
        toolCalls.delete(event.taskId);
        waiting.set(event.taskId, `retrying after ${event.error.code}`);
        break;
      case 'task_waiting':
        waiting.set(event.taskId, `waiting for an ${event.kind}`);
        break;
      case 'replan_started':
        round = { number: event.round, since: event.timestamp };
        break;
      case 'replan_completed':
      case 'replan_failed':
        round = undefined;
        break;
      case 'task_completed':
      case 'task_failed':
      case 'task_skipped':
      case 'task_canceled':
        running.delete(event.taskId);
        toolCalls.delete(event.taskId);
        waiting.delete(event.taskId);
        break;
    }
  }

  return {
    onEvent: update,
    restore: update,
    suspend() {
      suspended = true;
      draw.clear();
    },
    resume() {
      suspended = false;
      redraw();
    },
    stop() {
      clearInterval(timer);
      draw.clear();
      draw.done();
    },
  };
}
