import fc from 'fast-check';
import { expect, test } from 'vitest';
import { testJournal } from '../../test/journals.js';
import { inOrder } from '../../test/runs.js';
import { JournalError } from '../contract/journal-error.js';
import type { Plan } from '../contract/plan.js';
import type { TaskRequest, TaskRunner } from '../contract/runner.js';
import { tool } from '../contract/tool.js';
import { createExecutor } from '../runtime/executor.js';

/** A server that processes a request once for each key, and knows the body of each. */
class Server {
  readonly #bodies = new Map<string, string>();
  /** Keys that named two requests. */
  readonly mistaken: string[] = [];

  request(key: string, body: string): void {
    const known = this.#bodies.get(key);
    // An error here would only fail an attempt.
    if (known !== undefined && known !== body) this.mistaken.push(`${key}: ${known} and ${body}`);
    this.#bodies.set(key, body);
  }

  get size(): number {
    return this.#bodies.size;
  }
}

const price = fc.integer({ min: 1, max: 3 });
const step = fc.record({
  prices: fc.tuple(price, price, price),
  /** After how many appends the journal fails. */
  appends: fc.nat(10),
  failures: fc.nat(3),
  callIds: fc.constantFrom(undefined, 'call', ''),
});

test('no key ever names two requests, whatever fails, changes and is called', async () => {
  let most = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async (steps) => {
      const server = new Server();
      let left = Number.POSITIVE_INFINITY;
      const journal = testJournal(() => {
        if (left-- <= 0) throw new JournalError('journal_full', 'there is no room left');
      });
      const pay = tool({
        name: 'pay',
        description: 'Pays',
        inputSchema: anyInput,
        execute(input, { idempotencyKey }) {
          server.request(idempotencyKey, JSON.stringify(input));
          return 'paid';
        },
      });
      for (const [round, { prices, appends, failures, callIds }] of steps.entries()) {
        left = appends;
        let errors = failures;
        const runner: TaskRunner = {
          name: 'server',
          supportsTools: true,
          async run({ prompt, tools = [] }: TaskRequest, context) {
            server.request(context.idempotencyKey, prompt);
            for (const amount of [round, round, prompt.length]) {
              await tools[0]?.call({ amount }, callIds);
            }
            if (errors-- > 0) throw new Error('not now');
            return { output: prompt };
          },
        };
        const retry = { maxAttempts: 3, initialDelayMs: 0, on: ['task_failed' as const] };
        const executor = createExecutor({ strategy: inOrder, runner, journal, retry });
        const plan: Plan = {
          goal: 'pay',
          tasks: prices.map((amount, index) => ({
            id: `pay-${index}`,
            description: `Pay ${amount}`,
            tools: [pay],
            ...(index > 0 && { dependencies: [`pay-${index - 1}`] }),
          })),
        };
        if (round === 0) await executor.execute(plan, { runId: 'run' });
        else {
          const options = { plan, acceptChanges: true, retryFailed: true };
          await Promise.resolve(executor.resume('run', options)).catch(() => {});
        }
      }
      expect(server.mistaken).toEqual([]);
      most = Math.max(most, server.size);
    }),
    { numRuns: 300 },
  );
  expect(most).toBeGreaterThan(20);
});

const anyInput = {
  '~standard': {
    version: 1 as const,
    vendor: 'test',
    validate: (value: unknown) => ({ value }),
    jsonSchema: { input: () => ({ type: 'object' }), output: () => ({ type: 'object' }) },
  },
};
