import { Anthropic } from '@anthropic-ai/sdk';
import { adaptive } from '@stratagem/adaptive';
import { anthropic } from '@stratagem/anthropic';
import { createExecutor, createPlan, memoryJournal, type TaskRunner } from '@stratagem/core';
import { describeEvent } from '@stratagem/core/analysis';
import { openai } from '@stratagem/openai';
import { parallel } from '@stratagem/parallel';
import { decompose } from '@stratagem/planner';
import { cache, createLimiter, memoryStore, rateLimit } from '@stratagem/runners';
import { sequential } from '@stratagem/sequential';
import { OpenAI } from 'openai';

/**
 * Everything that is to work in every runtime, in one program: strategies, providers over their SDKs, runners
 * around runners, a planner, a journal and a resumed run.
 *
 * @param server The address of a server that answers like both providers.
 */
export async function program(server: string): Promise<Readonly<Record<string, unknown>>> {
  const browser = { apiKey: 'none', dangerouslyAllowBrowser: true };
  const gpt = openai({
    ...{
      client: new OpenAI({ ...browser, baseURL: `${server}/v1` }),
      api: 'chat',
      model: 'gpt',
      stream: true,
    },
  });
  const claude = anthropic({
    ...{ client: new Anthropic({ ...browser, baseURL: server }), model: 'claude', stream: true },
  });
  const plan = createPlan('A report from everywhere')
    .addTask({ id: 'numbers', run: async () => [1, 2, 3] })
    .addTask({
      id: 'gpt',
      description: 'Sum up {{numbers}}',
      dependencies: ['numbers'],
      model: 'gpt',
    })
    .addTask({
      id: 'claude',
      description: 'Sum up {{numbers}}',
      dependencies: ['numbers'],
      model: 'claude',
    })
    .addTask({
      ...{ id: 'report', dependencies: ['gpt', 'claude'] },
      run: (outputs: Readonly<Record<string, unknown>>) => `${outputs.gpt} and ${outputs.claude}`,
    });

  const outputs: Record<string, unknown> = {};
  for (const strategy of [sequential(), parallel({ maxParallel: 2 }), adaptive()]) {
    const executor = createExecutor({ strategy, runners: { gpt, claude } });
    const result = await executor.execute(plan).orThrow();
    outputs[strategy.name] = result.outputs.report;
  }

  let requests = 0;
  const counting: TaskRunner = {
    name: 'counting',
    run: async ({ prompt }) => {
      requests++;
      return { output: prompt.length };
    },
  };
  const limiter = createLimiter({ requestsPerMinute: 6_000 });
  const runner = cache(rateLimit(counting, limiter), memoryStore());
  const journal = memoryJournal();
  const cached = createExecutor({ strategy: sequential(), runner, journal });
  const twice = createPlan('Twice')
    .addTask({ id: 'a', description: 'The same prompt' })
    .addTask({ id: 'b', description: 'The same prompt' });
  const { runId } = await cached.execute(twice).orThrow();
  const resumed = await cached.resume(String(runId)).orThrow();

  const tasks = ['one', 'two'].map((id) => ({ id, description: `Do ${id}` }));
  const answer = JSON.stringify({ goal: 'g', tasks });
  const model: TaskRunner = { name: 'model', run: async () => ({ output: answer }) };
  const planned = await decompose('g', { runner: model, complexity: 'complex' });

  return {
    ...outputs,
    requests,
    resumed: resumed.outputs,
    planned: planned.plan.tasks.map(({ id }) => id),
    last: describeEvent({ ...{ type: 'run_paused', sequence: 0, timestamp: 0 } }),
  };
}
