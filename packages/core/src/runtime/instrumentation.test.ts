import { describe, expect, test } from 'vitest';
import { execute, inOrder, planOf, runnerOf } from '../../test/runs.js';
import type { Instrumentation, RunObserver } from '../contract/instrumentation.js';
import { memoryJournal } from '../journal/memory-journal.js';
import { createExecutor } from './executor.js';

/** Records its calls, in their order. */
function recorder(trace?: Record<string, string>) {
  const heard: string[] = [];
  const begun: unknown[] = [];
  const instrumentation: Instrumentation = {
    beginRun({ runId, isResumed, trace: recorded, strategy }): RunObserver {
      begun.push({ isResumed, recorded, strategy });
      heard.push(`begin ${runId}`);
      return {
        trace,
        onEvent: ({ type }) => void heard.push(type),
        traceOf: (taskId, attempt) => ({ traceparent: `${taskId}/${attempt}` }),
        end: () => void heard.push('end'),
      };
    },
    attempt({ taskId, attempt, kind }, work) {
      heard.push(`> ${kind} ${taskId} ${attempt}`);
      return work();
    },
    modelCall: (_, __, work) => work(),
    toolCall: (_, __, work) => work(),
  };
  return { heard, begun, instrumentation };
}

describe('an instrumentation', () => {
  test('hears of each event before the attempt that it starts, and of the end', async () => {
    const { heard, instrumentation } = recorder();
    const plan = planOf(
      { id: 'a', run: () => 1 },
      { id: 'b', description: 'x', dependencies: ['a'] },
    );
    await execute(plan, { instrumentation, runner: runnerOf().runner }).orThrow();
    expect(heard.slice(1)).toEqual([
      ...['run_started', 'strategy_initialized', 'task_started', '> function a 1'],
      ...['task_completed', 'task_started', '> runner b 1', 'task_completed'],
      ...['run_completed', 'end'],
    ]);
  });

  test('does not make a runner stream', async () => {
    const { instrumentation } = recorder();
    const wanted: unknown[] = [];
    const runner = {
      name: 'r',
      run: async (_: unknown, { wantsText }: { readonly wantsText?: boolean | undefined }) => {
        wanted.push(wantsText);
        return { output: 1 };
      },
    };
    await execute(planOf({ id: 'a', description: 'x' }), { instrumentation, runner });
    expect(wanted).toEqual([false]);
  });

  test('finds its trace in the record of the run that it resumes', async () => {
    const journal = memoryJournal();
    const trace = { traceparent: '00-1-2-03' };
    const first = recorder(trace);
    const plan = planOf({ id: 'a', run: () => 1 });
    const { runId } = await execute(plan, {
      instrumentation: first.instrumentation,
      journal,
    }).orThrow();
    expect(first.begun).toEqual([{ isResumed: false, recorded: undefined, strategy: 'in-order' }]);
    const executor = createExecutor({ strategy: inOrder, journal });
    const again = recorder();
    await executor.resume(String(runId), { plan, instrumentation: again.instrumentation });
    expect(again.begun).toEqual([{ isResumed: true, recorded: trace, strategy: 'in-order' }]);
  });

  test('that throws is reported, and does not stop the run', async () => {
    const { instrumentation } = recorder();
    const broken: Instrumentation = {
      ...instrumentation,
      beginRun: (run) => ({
        ...instrumentation.beginRun(run),
        onEvent: () => {
          throw new Error('no exporter');
        },
        end: () => {
          throw new Error('no end');
        },
      }),
    };
    const result = await execute(planOf({ id: 'a', run: () => 1 }), { instrumentation: broken });
    expect(result.status).toBe('completed');
    expect(String(result.listenerErrors[0])).toContain('no exporter');
    expect(String(result.listenerErrors.at(-1))).toContain('no end');
  });

  test('must have all methods', () => {
    expect(() =>
      execute(planOf({ id: 'a', run: () => 1 }), { instrumentation: {} as never }),
    ).toThrow(
      'instrumentation must be an Instrumentation, such as instrument() of @stratagem/otel; it has no beginRun()',
    );
  });
});
