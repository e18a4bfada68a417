import { type PlanResult, RunnerError, type TaskRequest } from '@stratagem/core';
import { strategyConformance } from '@stratagem/core/testing';
import { type SimulatedOptions, simulated } from '@stratagem/simulated';
import { afterEach, describe, expect, test, vi } from 'vitest';
import * as adaptive from './adaptive.js';
import { run as drawAdaptivePicture } from './adaptive-picture.js';
import * as batch from './batch.js';
import { chooseRunner } from './choose-runner.js';
import * as comparison from './comparison.js';
import * as customStrategy from './custom-strategy.js';
import * as dataCollection from './data-collection.js';
import * as dataSet from './data-set.js';
import * as decision from './decision.js';
import * as dependencies from './dependencies.js';
import * as documents from './documents.js';
import * as improve from './improve.js';
import * as papers from './papers.js';
import { run as drawPicture } from './picture.js';
import * as researchReport from './research-report.js';
import * as sequential from './sequential.js';
import * as tools from './tools.js';
import * as twoProviders from './two-providers.js';

const quick = () => simulated({ latencyMs: 10 });

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** The order in which tasks started. */
function startsOf({ timeline }: PlanResult): string[] {
  return timeline.flatMap((event) => (event.type === 'task_started' ? event.taskId : []));
}

/** Returns the printed lines of an example. */
async function printed(main: () => Promise<void>): Promise<string> {
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line = '') => void lines.push(line));
  await main();
  return lines.join('\n');
}

describe('batch', () => {
  test('completes ten tasks, five at a time', async () => {
    const { status, metrics, outputs } = await batch.run(quick());
    expect(status).toBe('completed');
    expect(metrics).toMatchObject({ completedTasks: 10, peakConcurrency: 5 });
    expect(outputs.TSMC).toContain('What is TSMC known for?');
  });

  test('prints results and figures', async () => {
    const text = await printed(() => batch.main(quick()));
    expect(text).toMatch(/Apple +Simulated answer/);
    expect(text).toMatch(/Success rate +100 %/);
    expect(text).toMatch(/Peak concurrency +5/);
  });

  test('prints which tasks failed, and rejects with the error', async () => {
    const failing = simulated({ failureRate: 1, failureCode: 'refused', latencyMs: 1 });
    const text = await printed(() =>
      expect(batch.main(failing)).rejects.toThrow(/^The run failed\. Task "Apple" failed/),
    );
    expect(text).toMatch(/^ {2}Apple +failed$/m);
    expect(text).toMatch(/Success rate +0 %/);
  });
});

describe('dependencies', () => {
  test('passes outputs on: the prompt of the report contains all three analyses', async () => {
    const requests = new Map<string, TaskRequest>();
    const respond = (request: TaskRequest) => {
      requests.set(request.taskId, request);
      return `<${request.taskId}>`;
    };
    const result = await dependencies.run(simulated({ latencyMs: 10, respond }));
    expect(result.outputs.report).toBe('<report>');
    for (const id of ['trends', 'market-size', 'competition']) {
      expect(requests.get(id)?.prompt).toContain('<research>');
      expect(requests.get('report')?.prompt).toContain(`<${id}>`);
    }
    expect(result.tasks.map(({ level }) => level)).toEqual([0, 1, 1, 1, 2]);
    expect(result.metrics.peakConcurrency).toBe(3);
  });

  test('starts the analyses after the research, and the report after all of them', async () => {
    const { timeline } = await dependencies.run(quick());
    const marks = timeline.flatMap((event) =>
      event.type === 'task_started' || event.type === 'task_completed'
        ? `${event.type} ${event.taskId}`
        : [],
    );
    expect(marks.slice(0, 2)).toEqual(['task_started research', 'task_completed research']);
    expect(marks.slice(2, 5).sort()).toEqual([
      'task_started competition',
      'task_started market-size',
      'task_started trends',
    ]);
    expect(marks.slice(-2)).toEqual(['task_started report', 'task_completed report']);
  });

  test('prints its timeline, also when the run fails', async () => {
    const failing = simulated({ failureRate: 1, latencyMs: 1 });
    const account = await printed(() => expect(dependencies.main(failing)).rejects.toThrow());
    expect(account).toMatch(/task_failed +level 0 {2}research \(0\.\d\d s\): server_error/);
    expect(account).toMatch(/task_skipped +level 2 {2}report: dependency_failed/);
    expect(account).not.toContain('undefined');

    const text = await printed(() => dependencies.main(quick()));
    expect(text).toMatch(/task_started +level 0 {2}research/);
    expect(text).toMatch(/task_completed +level 2 {2}report \(\d\.\d\d s\)/);
    expect(text).toContain('run_completed');
  });
});

describe('documents', () => {
  const answers = (failing: string[]) => (request: TaskRequest) => {
    if (request.taskId === 'gather')
      return { documents: [{ title: 'A' }, { title: 'B' }, { title: 'C' }] };
    if (failing.includes(request.taskId)) throw new RunnerError('refused', 'I would rather not');
    return request.taskId === 'report' ? request.prompt : { topic: request.taskId, relevance: 7 };
  };

  test('analyses each gathered document, and combines the analyses', async () => {
    const result = await documents.run(simulated({ latencyMs: 1, respond: answers([]) }));
    expect(result.outputs.report).toBe(
      'Summarise: analyse[0] (7/10); analyse[1] (7/10); analyse[2] (7/10). 0 documents could not be read.',
    );
    expect(result.metrics.attempts).toBe(5);
  });

  test('continues when one of three analyses fails, and fails when two do', async () => {
    const one = await documents.run(simulated({ latencyMs: 1, respond: answers(['analyse[1]']) }));
    expect(one.status).toBe('completed');
    expect(one.outputs.report).toContain('1 documents could not be read');
    const two = await documents.run(
      simulated({ latencyMs: 1, respond: answers(['analyse[0]', 'analyse[1]']) }),
    );
    expect(two.error?.message).toContain('1 of 3 items succeeded, and 2 must');
  });

  test('prints each analysis', async () => {
    const text = await printed(() => documents.main(quick()));
    expect(text).toMatch(/analyse\[2\] +{"topic":/);
  });
});

describe('decision', () => {
  test.each([
    ['bug', 'reproduce', 'look-up'],
    ['question', 'look-up', 'reproduce'],
  ])('takes the branch of a %s, and replies', async (kind, taken, left) => {
    const respond = ({ taskId, prompt }: TaskRequest) =>
      taskId === 'triage' ? { kind } : taskId === 'reply' ? prompt : `<${taskId}>`;
    const result = await decision.run('Help!', simulated({ latencyMs: 1, respond }));
    expect(result.outputs.reply).toBe(`Reply to the customer: <${taken}>`);
    expect(result.tasks.find(({ id }) => id === left)).toMatchObject({
      status: 'skipped',
      reason: 'condition_false',
    });
  });

  test('prints which branch was not chosen', async () => {
    const text = await printed(() => decision.main(quick()));
    expect(text).toMatch(/task_skipped +level 1 {2}(reproduce|look-up): condition_false/);
  });
});

describe('research report', () => {
  test('goes from a goal to one output, and reports the total usage', async () => {
    const { status, output, plan, usage, result, planning } = await researchReport.run(quick());
    expect(status).toBe('completed');
    expect(plan?.tasks.length).toBeGreaterThan(2);
    expect(output).toBe(result?.outputs.result);
    const both = [planning.result?.metrics.usage, result?.metrics.usage];
    expect(usage.inputTokens).toBe(both.reduce((sum, each) => sum + (each?.inputTokens ?? 0), 0));
  });

  test('shows the plan, and prints the report', async () => {
    const text = await printed(() => researchReport.main(quick()));
    expect(text).toMatch(/gather\n[\s\S]*result after [\s\S]*Simulated answer[\s\S]*input tokens/);
  });

  test('rejects with the reason when no plan can be made', async () => {
    const silent = simulated({ latencyMs: 1, respond: () => 'I would rather not.' });
    await printed(() =>
      expect(researchReport.main(silent)).rejects.toThrow(/can be used as a plan/),
    );
  });
});

describe('tools', () => {
  test('are called, and their results and failures reach the model', async () => {
    const result = await tools.run(quick());
    expect(result.status).toBe('completed');
    const calls = tools.callsOf(result);
    expect(calls.filter((line) => line.startsWith('stock('))).toHaveLength(1);
    expect(calls.filter((line) => line.startsWith('  → '))).toHaveLength(2);
  });

  test('prints them', async () => {
    expect(await printed(() => tools.main(quick()))).toMatch(/supplier\(.*\)\n[\s\S]*input tokens/);
  });
});

describe('papers', () => {
  test('stops when three have been found', async () => {
    const found = ['arXiv', 'DBLP', 'Semantic Scholar', 'OpenAlex'];
    const respond = ({ taskId }: TaskRequest) => ({
      papers: found.includes(taskId) ? [{ title: taskId }] : [],
    });
    const result = await papers.run(simulated({ latencyMs: 5, respond }));
    expect(result.status).toBe('completed');
    expect(Object.keys(result.outputs).length).toBeLessThanOrEqual(5);
    expect(result.tasks.find(({ id }) => id === 'bioRxiv')).toMatchObject({
      status: 'skipped',
      reason: 'goal_achieved',
    });
  });

  test('fails when there are not enough', async () => {
    const respond = () => ({ papers: [] });
    const result = await papers.run(simulated({ latencyMs: 1, respond }));
    expect(result.error).toMatchObject({
      code: 'goal_not_achieved',
      message: expect.stringContaining('count of outputs.*.papers >= 3 (it is 0)'),
    });
  });

  test('prints the progress towards the goal', async () => {
    const text = await printed(() => papers.main(quick()));
    expect(text).toContain('goal_achieved');
    expect(text).toMatch(/\d of 7 sources were enough/);
  });
});

describe('comparison', () => {
  test('runs the same tasks one at a time and four at a time', async () => {
    const measured = await comparison.run(quick());
    expect(measured.sequential).toMatchObject({ completedTasks: 8, peakConcurrency: 1 });
    expect(measured.parallel).toMatchObject({ completedTasks: 8, peakConcurrency: 4 });
  });

  test('prints both side by side', async () => {
    const text = await printed(() => comparison.main(quick()));
    expect(text).toMatch(/At once +1 +4/);
    expect(text).toMatch(/Parallel was \d+\.\d\d times as fast/);
  });
});

describe('adaptive', () => {
  test('raises its limit, and reports when and why', async () => {
    const result = await adaptive.run(quick(), 60, 10);
    expect(result.status).toBe('completed');
    expect(result.metrics.completedTasks).toBe(72);
    const lines = adaptive.strategyTimeline(result);
    expect(lines[0]).toMatch(/0\.00 s {2}adaptive, at most 64 at once/);
    expect(lines[1]).toMatch(/up to \d+ at once: .*\n +\d+\.\d tasks\/s, average latency/);
    expect(adaptive.phases(result).map(([phase, tasks]) => `${phase} ${tasks}`)).toEqual([
      'research 60',
      'synthesise 1',
      'write 10',
      'review 1',
    ]);
  });

  test('prints a row for each phase', async () => {
    const text = await printed(() => adaptive.main(quick()));
    expect(text).toMatch(/Phase +Tasks +Time +Work +At once\n +research +120 /);
    expect(text).toMatch(/times as fast as one task at a time/);
  });

  test('is drawn for twelve servers', () => {
    const picture = drawAdaptivePicture();
    expect(picture.match(/stroke="#4c78a8"/g)).toHaveLength(12);
    expect(picture).toBe(drawAdaptivePicture());
  });
});

describe('sequential', () => {
  test('runs in order, each task with the output of the one before', async () => {
    const result = await sequential.run(quick());
    expect(result.metrics.peakConcurrency).toBe(1);
    expect(startsOf(result)).toEqual(['idea', 'draft', 'title']);
    expect(result.outputs.draft).toContain('based on idea');
    expect(result.outputs.title).toContain('based on draft');
  });

  test('prints the output of each task, in lines that fit a terminal', async () => {
    const text = await printed(() => sequential.main(quick()));
    expect(text).toMatch(/ {2}draft {2}completed\n {9}Simulated answer to "Write five sentences"/);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
});

describe('data collection', () => {
  test('requests all ten stations and combines the responses', async () => {
    const { urls, asked, server } = await dataCollection.startStations();
    const result = await dataCollection.run(urls);
    server.close();
    expect(asked.sort()).toEqual(Array.from({ length: 10 }, (_, n) => `/stations/${n}`));
    expect(result.outputs.average).toEqual({ stations: 10, celsius: 14.5 });
    expect(result.metrics.peakConcurrency).toBe(4);
  });

  test('prints the average', async () => {
    const text = await printed(() => dataCollection.main());
    expect(text).toContain('10 stations, on average 14.5 °C');
  });

  test('reports which station cannot be reached', async () => {
    const { urls, server } = await dataCollection.startStations();
    server.close();
    const result = await dataCollection.run(urls.slice(0, 1));
    expect(result.status).toBe('failed');
    expect(result.error?.message).toMatch(/stations\/0" failed: fetch failed.*ECONNREFUSED/);
  });
});

describe('custom strategy', () => {
  test('starts the shortest task first', async () => {
    const order = ['yes', 'thanks', 'offer', 'contract'];
    expect(startsOf(await customStrategy.run())).toEqual(order);
    expect(await printed(() => customStrategy.main())).toContain(order.join(' → '));
  });

  for (const { name, run } of strategyConformance(customStrategy.shortestFirst)) test(name, run);
});

describe('two providers', () => {
  test('run the same plan with different outputs', async () => {
    const runners = [1, 2].map((seed) => simulated({ latencyMs: 10, model: `m${seed}`, seed }));
    const results = await twoProviders.run(runners);
    expect(results.map(({ status }) => status)).toEqual(['completed', 'completed']);
    expect(results[0]?.outputs.choice).not.toBe(results[1]?.outputs.choice);
    const text = await printed(() => twoProviders.main(runners));
    expect(text).toMatch(
      /simulated\/m1, .*\n {4}Simulated.*\n[\s\S]*simulated\/m2, .*\n {4}Simulated/,
    );
  });

  test('are real when their keys are set; otherwise a line names the replacement', async () => {
    vi.stubEnv('OPENAI_API_KEY', undefined);
    vi.stubEnv('ANTHROPIC_API_KEY', 'test');
    const names: string[] = [];
    const text = await printed(async () => {
      for (const { name } of await twoProviders.chooseTwo()) names.push(name);
    });
    expect(names).toEqual(['simulated', 'anthropic']);
    expect(text).toBe('OPENAI_API_KEY is not set: using the simulated model instead.');
  });
});

test('the picture has a row for every task and states the measurements', async () => {
  vi.useFakeTimers();
  const drawn = drawPicture();
  await vi.runAllTimersAsync();
  const picture = await drawn;
  expect(picture.match(/text-anchor="end"/g)).toHaveLength(10);
  expect(picture).toContain('10 tasks, at most 3 at once: 7.0 s of work');
});

describe('chooseRunner', () => {
  /** Returns the chosen runner and the printed line. */
  async function chosen(options?: SimulatedOptions) {
    let runner = quick();
    const line = await printed(async () => {
      runner = await chooseRunner(options);
    });
    return { runner, line };
  }

  test('chooses a real provider when its key is set, and the simulated model otherwise', async () => {
    vi.stubEnv('OPENAI_API_KEY', undefined);
    vi.stubEnv('ANTHROPIC_API_KEY', undefined);
    const none = await chosen();
    expect(none.runner.name).toBe('simulated');
    expect(none.line).toBe(
      'Neither OPENAI_API_KEY nor ANTHROPIC_API_KEY is set: using the simulated model.\n',
    );
    vi.stubEnv('ANTHROPIC_API_KEY', 'test');
    expect((await chosen()).runner.name).toBe('anthropic');
    vi.stubEnv('OPENAI_API_KEY', 'test');
    const both = await chosen();
    expect(both.runner.name).toBe('openai');
    expect(both.line).toMatch(/^Using openai\/\S+\.\n$/);
  });

  test('passes its options to the simulated model', async () => {
    vi.stubEnv('OPENAI_API_KEY', undefined);
    vi.stubEnv('ANTHROPIC_API_KEY', undefined);
    const { runner } = await chosen({ failureRate: 1, latencyMs: 0 });
    const result = await batch.run(runner);
    expect(result.tasks[0]?.error?.cause).toBeInstanceOf(RunnerError);
  });
});

describe('improve', () => {
  test('rewrites until the judge gives 0.9, with the advice of the judge', async () => {
    const prompts = new Map<string, string>();
    const respond = (request: TaskRequest) => {
      prompts.set(request.taskId, request.prompt);
      return improve.respond(request);
    };
    const { status, outputs, tasks } = await improve.run(
      'a kettle',
      simulated({ latencyMs: 1, respond }),
    );
    expect(status).toBe('completed');
    expect(outputs.improve).toEqual({
      write: 'Version 3 of the text',
      judge: { score: expect.closeTo(0.9), advice: 'Keep it' },
    });
    expect(tasks[0]?.loop).toEqual({ ending: 'reached', iterations: 3 });
    expect(prompts.get('improve#1.write')).not.toContain('Version');
    expect(prompts.get('improve#3.write')).toContain('Version 2 of the text');
    expect(prompts.get('improve#3.write')).toContain('Be more specific');
    expect(tasks.find(({ id }) => id === 'review')?.reason).toBe('condition_false');
  });

  test('lets a person review a text that is never good enough', async () => {
    const respond = ({ taskId }: TaskRequest) =>
      taskId.endsWith('.judge') ? { score: 0.2, advice: 'No' } : `Answer to ${taskId}`;
    const { outputs, tasks } = await improve.run('a kettle', simulated({ latencyMs: 1, respond }));
    expect(tasks[0]?.loop).toEqual({ ending: 'exhausted', iterations: 4 });
    expect(outputs.review).toBe('Answer to review');
  });

  test('prints the scores, and how the loop ended', async () => {
    const runner = simulated({ latencyMs: 1, respond: improve.respond });
    const text = await printed(() => improve.main(runner));
    expect(text).toMatch(/improve#2\.judge: \{"score":0\.75/);
    expect(text).toContain('reached after 3 iterations');
  });
});

test('a data set has a result for each of its hundred rows', async () => {
  const lines: string[] = [];
  const summary = await dataSet.run(quick(), (line) => lines.push(line));
  expect(summary).toMatchObject({ status: 'completed', rows: 100, completed: 100 });
  expect(lines).toHaveLength(3);
});
