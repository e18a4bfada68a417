import { expect, test } from 'vitest';
import * as coordinator from '../../packages/core/src/coordinator.js';
import * as document from '../../packages/core/src/document.js';
import * as core from '../../packages/core/src/index.js';
import * as simulate from '../../packages/core/src/simulate.js';
import * as datasets from '../../packages/datasets/src/index.js';
import * as bullmq from '../../packages/engines/bullmq/src/index.js';
import * as evals from '../../packages/evals/src/index.js';
import * as planner from '../../packages/planner/src/index.js';
import * as aiSdk from '../../packages/providers/ai-sdk/src/index.js';
import * as anthropic from '../../packages/providers/anthropic/src/index.js';
import * as openai from '../../packages/providers/openai/src/index.js';
import * as simulated from '../../packages/providers/simulated/src/index.js';
import * as runners from '../../packages/runners/src/index.js';
import * as simulation from '../../packages/simulation/src/index.js';
import * as postgres from '../../packages/stores/postgres/src/index.js';
import * as redis from '../../packages/stores/redis/src/index.js';
import * as sqlite from '../../packages/stores/sqlite/src/index.js';
import * as adaptive from '../../packages/strategies/adaptive/src/index.js';
import * as parallel from '../../packages/strategies/parallel/src/index.js';
import * as sequential from '../../packages/strategies/sequential/src/index.js';
import * as mcp from '../../packages/tools/mcp/src/index.js';
import * as node from '../../packages/tools/node/src/index.js';
import * as ui from '../../packages/ui/src/index.js';

const plan = { goal: 'x', tasks: [{ id: 'a', description: 'A?', waitFor: 'answer' }] } as const;
const server = simulation.fixedLatency();
const executor = core.createExecutor({
  strategy: parallel.parallel(),
  journal: core.memoryJournal(),
  timeline: 'stream',
});

/** The public functions, and the methods of what they return. */
const entries: Readonly<Record<string, object>> = {
  ...{ core, document, simulate, planner, aiSdk, anthropic, openai, simulated, runners },
  ...{ simulation, sqlite, adaptive, parallel, sequential, mcp, ui, executor },
  ...{ datasets, evals, coordinator, postgres, redis, bullmq, node },
  run: executor.execute(plan),
  builder: { addTask: (task: never) => executor.execute(core.createPlan('x').addTask(task)) },
};

const WRONG: readonly unknown[] = [
  ...[undefined, null, 5, Number.NaN, 'x', [], [undefined], {}, () => {}, new Date(0)],
  ...[{ goal: 'x' }, plan, { maxParallel: [1], server }, { strategy: {} }, { runner: {} }],
];
/** These wait for a wrong run or a wrong plan to end, or open the file with the name that they are given. */
const LEFT_OUT = ['then', 'orThrow', 'openRowsFile'];

test.each(Object.entries(entries))(
  'no function of %s throws a TypeError of its own',
  async (_, entry) => {
    // One call for each message.
    const raw = new Map<string, string>();
    for (const [name, value] of Object.entries(entry)) {
      if (typeof value !== 'function' || isClass(value) || LEFT_OUT.includes(name)) continue;
      for (const first of WRONG) {
        for (const second of WRONG) {
          const error = await thrownBy(() => value(first, second));
          if (error === undefined || core.isStratagemError(error) || error instanceof RangeError)
            continue;
          raw.set(`${name}: ${error}`, `${show(first)}, ${show(second)}`);
        }
      }
    }
    expect([...raw]).toEqual([]);
  },
);

function isClass(value: unknown): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value));
}

/** What a call throws, at once, later, or when its result is iterated over. */
async function thrownBy(call: () => unknown): Promise<unknown> {
  try {
    const result = call() as Partial<AsyncGenerator & PromiseLike<unknown>> | undefined;
    // A run that has started may wait for its answers for ever.
    if (result instanceof Promise) await result;
    else if (typeof result?.next === 'function') await result.next();
    return undefined;
  } catch (error) {
    return error;
  }
}

function show(value: unknown): string {
  return typeof value === 'function' ? 'a function' : (JSON.stringify(value) ?? String(value));
}
