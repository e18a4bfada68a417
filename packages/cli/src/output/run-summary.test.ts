import { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { type Plan, type PlanResult, type RunEvent, RunnerError, type Task } from '@stratagem/core';
import { type SimulateOptions, simulate } from '@stratagem/core/simulate';
import { parallel } from '@stratagem/parallel';
import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { runSummary, type SummaryOptions } from './run-summary.js';

function task(id: string, durationMs: number, ...dependencies: string[]): Task {
  return { id, description: 'x', dependencies, estimate: { durationMs } };
}

function run(tasks: Plan['tasks'], options: Partial<SimulateOptions> = {}): PlanResult {
  return simulate(
    { goal: 'Market\nreport', tasks },
    { strategy: parallel({ maxParallel: 10 }), ...options },
  );
}

function shown(result: PlanResult, options: SummaryOptions = {}, columns = 80): string {
  const stream = Object.assign(new Writable(), { columns }) as NodeJS.WriteStream;
  return stripVTControlCharacters(runSummary(result, { stream, ...options }));
}

/** 200 tasks and one that needs them all; every tenth fails, and one for another reason. */
function failedRun(): PlanResult {
  const papers = Array.from({ length: 200 }, (_, n) => task(`paper-${n}`, 1_000 + n));
  const report = task('report', 1_000, ...papers.map(({ id }) => id));
  return run([...papers, report], {
    maxParallel: 10,
    retry: { maxAttempts: 2, initialDelayMs: 0 },
    attempt: ({ id, estimate }) => {
      const durationMs = estimate?.durationMs ?? 0;
      const usage = { inputTokens: 1_000, outputTokens: 200 };
      if (id === 'paper-7') {
        const error = new RunnerError('context_length_exceeded', 'the prompt is too long', {
          status: 400,
        });
        return { durationMs, error };
      }
      if (!id.endsWith('3')) return { durationMs, usage, costUsd: 0.000_25, output: id };
      const message = `openai/gpt-5: 500 Something broke in request req_${id}`;
      return { durationMs, error: new RunnerError('server_error', message, { status: 500 }) };
    },
  });
}

describe('the summary', () => {
  test('of a completed run draws the tasks that decided the time', () => {
    const result = run([
      task('research', 4_900),
      task('news', 1_000),
      task('rivals', 4_300, 'research'),
      task('report', 3_700, 'news', 'rivals'),
    ]);
    expect(shown(result)).toBe(`
 ✓ Market report

   ✓ 4 of 4 · 12.9 s
   ██████████████████████████████████████████████████████████████████████

 What decided the time  these 3 tasks
   research  ███████████████▎                             4.9 s
   rivals    ░░░░░░░░░░░░░░░█████████████▍                4.3 s
   report    ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░███████████     3.7 s

   1.1× faster than one at a time · peak 2
`);
  });

  test('compares no speed where attempts lost their work, or hardly overlapped', () => {
    const plan = { goal: 'x', tasks: [task('a', 1_000), task('b', 1_000), task('c', 1_000)] };
    const options = { strategy: parallel({ maxParallel: 2 }) };
    const result = simulate(plan, options);
    const { timeline } = result;
    const at = timeline.findIndex(({ type }) => type === 'task_completed');
    const restarted = { type: 'run_resumed', downtimeMs: 0, restarted: ['a', 'b'] } as const;
    const resumed = { ...(timeline[at - 1] as RunEvent), ...restarted } as RunEvent;
    const events = timeline.toSpliced(at, 0, resumed);
    expect(shown({ ...result, timeline: events })).toMatch(/\n {3}peak 2\n$/);
    expect(shown({ ...result, status: 'interrupted' } as unknown as PlanResult)).toMatch(
      /\n {3}peak 2\n$/,
    );
    const apart = run([task('a', 1_000), task('b', 30), task('c', 1_000, 'a')]);
    expect(shown(apart)).toMatch(/\n {3}peak 2\n$/);
    expect(shown(run([task('a', 1_000)]))).toContain('as fast as one at a time · peak 1');
  });

  test('names loops that completed without their condition', () => {
    const until = ({ iteration }: { iteration: number }) => iteration === 3;
    const loop = (id: string, maxIterations: number) => ({
      ...task(id, 100),
      repeat: { until, maxIterations },
    });
    expect(shown(run([loop('draft', 2), loop('fine', 3)]))).toContain('until not reached: draft\n');
    expect(shown(run([loop('fine', 3)]))).not.toContain('until');
    expect(shown(run([loop('a', 1), loop('b', 1), loop('c', 1)]))).toContain(
      'until not reached: a and 2 more',
    );
  });

  test('of a failed run shows what failed, by cause, and how to retry it, on 24 lines', () => {
    const commands = [
      { label: 'Retry what failed', command: 'stratagem resume 12 --retry-failed' },
    ];
    expect(shown(failedRun(), { commands })).toBe(`
 ✗ Market report

   ✗ 21 failed · ✓ 179 · – 1 skipped · 25.2 s · $0.045
   ██████████████████████████████████████████████████████████████▓▓▓▓▓▓▓░

 What failed
   20×  500 server error: Something broke in request req_paper-3
        paper-3, paper-13 and 18 more          up to 2 attempts, 1 task skipped
    1×  400 context length exceeded: the prompt is too long
        paper-7

 What decided the time  paper-3
   free slot   █████████    23.2 s  92 %  retries     ▍             1.0 s   4 %
   ran         ▍             1.0 s   4 %
   slowest tasks: paper-193 2.4 s (2 attempts), paper-183 2.4 s (2 attempts)

   9.6× faster than one at a time · peak 10 · 179.0k tokens in · 35.8k out

 Retry what failed   stratagem resume 12 --retry-failed
`);
  });

  test('names the failed tasks beside their causes where a line for each has no room', () => {
    const commands = ['Retry what failed', 'See where time went', 'Look at the run'].map(
      (label) => ({ label, command: `stratagem resume 12 --journal ${'x'.repeat(60)}` }),
    );
    const errors: Record<string, RunnerError> = {
      a: new RunnerError('context_length_exceeded', 'context length exceeded: 9 tokens'),
      b: new RunnerError('server_error', 'the proxy is down', { isRetryable: false }),
      c: new RunnerError('refused', 'it dislikes c'),
    };
    const attempt = ({ id }: Task) => ({ durationMs: 5, error: errors[id] });
    const tasks = Object.keys(errors).map((id) => task(id, 5));
    const text = shown(run(tasks, { attempt }), { commands });
    expect(text).toContain(`
 What failed
    1×  a  context length exceeded: 9 tokens
    1×  b  server error: the proxy is down
    1×  c  refused: it dislikes c
`);
  });

  test.each([30, 40, 60, 80, 132])('fits 24 lines of %d columns', (columns) => {
    const causes = Array.from({ length: 9 }, (_, n) => String.fromCharCode(97 + n).repeat(30));
    const tasks = causes.flatMap((cause) => [
      task(`市場規模の分析 ${cause}`, 100),
      task(cause, 70),
    ]);
    const failing = run([...tasks, task('last', 10, causes[0] as string)], {
      maxParallel: 3,
      deadlineMs: 100_000,
      attempt: ({ id }) => ({
        durationMs: 100,
        error: new RunnerError('refused', `the model refused ${id.slice(-30)} of something long`),
      }),
    });
    for (const result of [failing, failedRun()]) {
      const lines = shown(result, {}, columns).trimEnd().split('\n');
      expect(lines.length).toBeLessThan(24);
      expect(lines.filter((line) => stringWidth(line) >= columns)).toEqual([]);
      expect(lines.join('\n')).toContain('✗');
      expect(lines.join('\n')).toMatch(/\d+ failed/);
    }
  });

  test('keeps commands whole: in a narrow terminal, below their labels', () => {
    const commands = [
      { label: 'Resume the run', command: 'stratagem resume 4e957323 --journal .stratagem' },
      { label: 'See where time went', command: 'stratagem why 4e957323' },
    ];
    const text = shown(failedRun(), { commands }, 60);
    expect(text).toContain(`
 Resume the run
   stratagem resume 4e957323 --journal .stratagem
 See where time went
   stratagem why 4e957323
`);
  });

  test('lists no slowest task without its whole duration', () => {
    for (const columns of [60, 70, 80, 100]) {
      const [line = ''] = /slowest tasks?: .*/.exec(shown(failedRun(), {}, columns)) ?? [];
      expect(line).toMatch(/^slowest tasks?: (paper-\d+ [\d.]+ s \(2 attempts\)(, |$))+$/);
    }
  });

  test('of many causes counts those that do not fit', () => {
    const tasks = Array.from({ length: 9 }, (_, n) => task('abcdefghi'[n] as string, 1));
    const attempt = ({ id }: Task) => ({
      durationMs: 1,
      error: new RunnerError('refused', `it dislikes ${id}`),
    });
    const text = shown(run(tasks, { attempt }));
    expect(text.match(/1× {2}[a-i] {2}refused/g)).toHaveLength(5);
    expect(text).toContain('and 4 more causes\n');
  });

  test('says why a run ended that no task ended', () => {
    const text = shown(run([task('a', 5_000)], { deadlineMs: 1_000 }));
    expect(text).toContain('⊘ 1 canceled');
    expect(text).toContain('deadline of 1000 ms');
  });

  test('tells a person, a pause and retries apart', () => {
    const result = run(
      [
        { id: 'ok', description: 'Ok?', waitFor: 'approval', estimate: { durationMs: 3_000 } },
        task('a', 1_000, 'ok'),
      ],
      {
        attempt: (_, number) =>
          number === 1
            ? { durationMs: 500, error: new RunnerError('server_error', 'no') }
            : { durationMs: 2_000 },
        retry: { initialDelayMs: 0 },
        actions: [
          { atMs: 2_000, act: (controls) => controls.pause() },
          { atMs: 4_000, act: (controls) => controls.resume() },
        ],
      },
    );
    const text = shown(result);
    for (const part of ['person', 'ran', 'paused', 'retries']) expect(text).toContain(`${part} `);
    expect(text).toContain('ok › a');
  });

  test('makes escape sequences in goals, ids and errors visible', () => {
    const sequence = '\u001b[2J\u009b31m';
    const plan = { goal: sequence, tasks: [{ id: 'a', description: 'x' }] };
    const error = new RunnerError('refused', sequence);
    const result = simulate(plan, {
      strategy: parallel(),
      attempt: () => ({ durationMs: 1, error }),
    });
    const text = runSummary(result, { commands: [{ label: 'x', command: sequence }] });
    expect(text).not.toContain('\u001b[2J');
    expect(text).not.toContain('\u009b');
    expect(text).toContain('␛[2J␡31m');
  });

  test('shows the date of the price list', () => {
    const result = run([task('a', 1)], {
      attempt: () => ({
        durationMs: 5,
        usage: { inputTokens: 1, outputTokens: 2 },
        costUsd: 0.0123,
      }),
    });
    const text = shown(result, { pricesAsOf: '2026-10-06' });
    expect(text).toContain('5 ms · $0.012 (prices of 2026-10-06)\n');
  });

  test('of a run without events is empty', () => {
    const result = run([task('a', 1)]);
    expect(shown({ ...result, timeline: [] } as PlanResult)).toBe('');
  });
});
