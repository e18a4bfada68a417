import { styleText } from 'node:util';
import type { PlanEvent } from '@stratagem/core';
import { createLogUpdate } from 'log-update';
import { formatDuration } from './duration.js';
import { onOneLine } from './terminal-text.js';

/** Something that shows a run while it goes on. */
export interface Progress {
  onEvent(event: PlanEvent): void;
  /** Leaves the screen tidy; nothing is shown after it. */
  stop(): void;
}

/** A live block on a terminal; otherwise a line an event. Both on standard error. */
export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  return stream.isTTY ? liveBlock(stream) : lines(stream);
}

function lines(stream: NodeJS.WriteStream): Progress {
  let began = 0;
  return {
    onEvent(event) {
      if (event.type === 'plan_started') began = event.timestamp;
      const text = describeEvent(event);
      if (text === undefined) return;
      const at = `[${((event.timestamp - began) / 1000).toFixed(2)} s]`;
      stream.write(`${at.padStart(11)} ${text}\n`);
    },
    stop() {},
  };
}

function describeEvent(event: PlanEvent): string | undefined {
  switch (event.type) {
    case 'task_started':
      return `started   ${onOneLine(event.taskId)}`;
    case 'task_completed':
      return `completed ${onOneLine(event.taskId)} in ${formatDuration(event.durationMs)}`;
    case 'task_failed':
      return `failed    ${onOneLine(event.error.message, 200)}`;
    case 'task_skipped':
      return `skipped   ${onOneLine(event.taskId)}: "${onOneLine(event.failedTaskId)}" failed`;
    case 'task_canceled':
      return `canceled  ${onOneLine(event.taskId)}`;
    default:
      return undefined;
  }
}

const REDRAW_MS = 100;

function liveBlock(stream: NodeJS.WriteStream): Progress {
  const draw = createLogUpdate(stream);
  const running = new Map<string, number>();
  const counts = { total: 0, completed: 0, failed: 0, skipped: 0, canceled: 0 };
  let goal = '';
  let began = 0;

  const redraw = () => {
    // The last column and row stay free: a full line would wrap and break the redrawing.
    const width = Math.max(20, (stream.columns ?? 80) - 1);
    const room = Math.max(1, (stream.rows ?? 24) - 4);
    const now = performance.timeOrigin + performance.now();
    const tasks = [...running].slice(0, room).map(([id, startedAt]) => {
      const elapsed = formatDuration(now - startedAt);
      const name = onOneLine(id, width - elapsed.length - 6);
      return `  ${styleText('cyan', '▸', { stream })} ${name} ${styleText('dim', elapsed, { stream })}`;
    });
    if (running.size > room) tasks.push(`  … and ${running.size - room} more running`);
    const others = (['failed', 'skipped', 'canceled'] as const).flatMap((key) =>
      counts[key] > 0 ? `${counts[key]} ${key}` : [],
    );
    const done = [`${counts.completed}/${counts.total} completed`, ...others].join(', ');
    const status = onOneLine(`${done}, ${formatDuration(now - began)}`, width);
    draw([styleText('bold', onOneLine(goal, width), { stream }), ...tasks, status].join('\n'));
  };
  const timer = setInterval(redraw, REDRAW_MS);
  timer.unref();

  return {
    onEvent(event) {
      switch (event.type) {
        case 'plan_started':
          goal = event.plan.goal;
          began = event.timestamp;
          counts.total = event.plan.tasks.length;
          redraw();
          break;
        case 'task_started':
          running.set(event.taskId, event.timestamp);
          break;
        case 'task_completed':
        case 'task_failed':
        case 'task_skipped':
        case 'task_canceled': {
          running.delete(event.taskId);
          counts[event.type.slice('task_'.length) as 'completed']++;
          break;
        }
      }
    },
    stop() {
      clearInterval(timer);
      draw.clear();
      draw.done();
    },
  };
}
