import fc from 'fast-check';
import { expect, test } from 'vitest';
import { kernelOf, planOf } from '../../test/kernels.js';
import { recorded } from '../../test/recorded.js';
import { snapshotOf } from '../../test/snapshot.js';
import type { RunEvent } from '../contract/event.js';
import { RunState } from '../state/run-state.js';
import type { Kernel } from './kernel.js';
import { foldLog } from './recover.js';

const PLAN = planOf({ a: [], b: [], c: ['a'] });
const KEYS = ['k1', 'k2'];

/** One input of a driver: about the task, the key, and after so many milliseconds. */
const inputs = fc.array(
  fc.record({
    kind: fc.constantFrom(
      ...(['call', 'call', 'result', 'request', 'request', 'decide', 'decide'] as const),
      ...(['wake', 'complete', 'fail', 'crash'] as const),
    ),
    index: fc.nat(2),
    key: fc.constantFrom(...KEYS),
    afterMs: fc.nat(30),
    approved: fc.boolean(),
    timeoutMs: fc.constantFrom(undefined, 5, 50),
  }),
  { maxLength: 40 },
);

test('calls of tools are asked for and decided once, through crashes, retries and timeouts', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(inputs, (steps) => {
      const options = { timeoutMs: 100, retry: { maxAttempts: 3, initialDelayMs: 1, jitter: 0 } };
      let kernel: Kernel = kernelOf(PLAN, options).kernel;
      kernel.start(0);
      let now = 0;
      for (const { kind, index, key, afterMs, approved, timeoutMs } of steps) {
        now += afterMs;
        const attempt = kernel.state.attemptsOf(index);
        if (kind === 'wake') kernel.wake(Math.max(now, Math.min(kernel.nextWake, now + 30)));
        else if (kind === 'complete') kernel.completed(index, attempt, { output: 1 }, now);
        else if (kind === 'fail') kernel.failed(index, attempt, new Error('no'), now);
        else if (kind === 'decide') kernel.decided(index, key, { approved }, now);
        else if (kind === 'call') {
          const part = { kind: 'tool_call' as const, callId: key, key, tool: 'remove', input: 1 };
          kernel.output(index, attempt, part, now);
        } else if (kind === 'result') {
          const result = { ok: approved, output: now, durationMs: 1 };
          const part = { kind: 'tool_result' as const, callId: key, key, tool: 'remove' };
          kernel.output(index, attempt, { ...part, ...result }, now);
        } else if (kind === 'request') {
          const request = { key, callId: `${key}-${now}`, tool: 'remove', input: { now } };
          kernel.requestApproval(index, attempt, { ...request, timeoutMs }, now);
        } else kernel = recover(kernel, options, now);
        check(kernel, seen);
      }
    }),
    { numRuns: 500, seed: 1 },
  );
  for (const kind of ['open', 'approved', 'rejected', 'withdrawn', 'resumed', 'retried']) {
    expect(seen).toContain(kind);
  }
});

/** The run as another process resumes it from the log. */
function recover(before: Kernel, options: object, now: number): Kernel {
  if (before.ended) return before;
  const { kernel } = kernelOf(PLAN, options);
  kernel.recoverWith(foldLog, recorded(PLAN, before.log.events()), {});
  kernel.start(now);
  return kernel;
}

function check({ state, log, nextWake, ended }: Kernel, seen: Set<string>): void {
  const events = log.events();
  const folded = new RunState(kernelOf(PLAN).graph);
  for (const event of events) folded.apply(event);
  expect(snapshotOf(folded).approvals).toEqual(snapshotOf(state).approvals);
  expect(snapshotOf(folded).toolCalls).toEqual(snapshotOf(state).toolCalls);
  const open = new Map<string, RunEvent>();
  for (const event of events) {
    if (event.type === 'run_resumed') seen.add('resumed');
    if (event.type === 'task_retrying') seen.add('retried');
    if (event.type === 'tool_approval_requested') {
      const name = `${event.taskId}/${event.attempt}/${event.key}`;
      expect(open.has(name), 'a call is asked for once').toBe(false);
      open.set(name, event);
    }
    if (event.type === 'tool_approval_decided') {
      const name = `${event.taskId}/${event.attempt}/${event.key}`;
      expect(open.get(name)?.type, 'a decision follows its request').toBe(
        'tool_approval_requested',
      );
      if (event.withdrawn) open.delete(name);
      else open.set(name, event);
      seen.add(event.withdrawn ? 'withdrawn' : event.approved ? 'approved' : 'rejected');
    }
    if ('durationMs' in event) expect(event.durationMs).toBeGreaterThanOrEqual(0);
  }
  for (const [index, { position }] of state.approvals.open()) {
    seen.add('open');
    expect(state.isRunning(index), 'only calls of attempts in flight wait').toBe(true);
    expect(log.typeAt(position)).toBe('tool_approval_requested');
  }
  const hasLimit = state.approvals.open().some(([, { timeoutMs }]) => timeoutMs !== undefined);
  if (hasLimit && !ended) expect(nextWake).toBeLessThan(Number.POSITIVE_INFINITY);
}
