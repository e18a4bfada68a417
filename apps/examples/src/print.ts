import type { Metrics, PlanEvent, PlanResult } from '@stratagem/core';

export function title(text: string): void {
  console.log(`${text}\n${'─'.repeat(text.length)}`);
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

/** The figures people ask for first. */
export function printMetrics(metrics: Metrics): void {
  const { totalTasks, successRate, averageTaskDurationMs, throughputPerSecond, speedup } = metrics;
  const rows: [string, string][] = [
    ['Tasks', `${totalTasks}`],
    ['Success rate', `${(successRate * 100).toFixed(0)} %`],
    ['Execution time', seconds(metrics.executionTimeMs)],
    ['Average task duration', seconds(averageTaskDurationMs)],
    ['Throughput', `${throughputPerSecond.toFixed(1)} tasks/s`],
    ['Peak concurrency', `${metrics.peakConcurrency}`],
    ['Speed-up', `${speedup.toFixed(2)} times one at a time`],
  ];
  for (const [name, value] of rows) console.log(`  ${name.padEnd(23)}${value}`);
}

/** A line an event, with the time since the start. */
export function printTimeline({ timeline }: PlanResult): void {
  const began = timeline[0]?.timestamp ?? 0;
  for (const event of timeline) {
    if (event.type === 'task_output') continue; // Pieces of text: too many for a list.
    console.log(`  ${seconds(event.timestamp - began).padStart(7)}  ${describe(event)}`);
  }
}

function describe(event: PlanEvent): string {
  const name = event.type.padEnd(21);
  if (!('taskId' in event)) return name.trimEnd();
  const duration = 'durationMs' in event ? ` (${seconds(event.durationMs ?? 0)})` : '';
  return `${name}level ${event.level}  ${event.taskId}${duration}`;
}

/** The start of a text, on one line. */
export function excerpt(text: unknown, length = 88): string {
  const line = String(text).replace(/\s+/g, ' ');
  return line.length <= length ? line : `${line.slice(0, length - 1)}…`;
}
