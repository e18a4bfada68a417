import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plan, TaskRunner } from '@stratagem/core';
import { createExecutor, tool } from '@stratagem/core';
import { parsePlanDocument } from '@stratagem/core/document';
import { parallel } from '@stratagem/parallel';
import { simulated } from '@stratagem/simulated';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { type Example, examples, examplesOf, pageNames } from './examples.js';
import { root } from './pages.js';

/** Blocks without a language are what a program prints. */
const LANGUAGES = ['', 'ts', 'yaml', 'sh', 'json', 'jsonc', 'text', 'mermaid', 'go'];

test('every code block has a language that a test here knows', () => {
  const others = examples.filter(({ language }) => !LANGUAGES.includes(language));
  expect(others.map(({ file, line, language }) => `${file}:${line} ${language}`)).toEqual([]);
});

test('a block that is not run says why', () => {
  const silent = examples.filter(({ notRun }) => notRun !== undefined && notRun.length < 10);
  expect(silent).toEqual([]);
});

describe.each(pageNames)('%s', (page) => {
  // A comment alone has no value.
  const plans = examplesOf(page, 'yaml').filter(
    ({ notRun, code }) => notRun === undefined && parse(code) !== null,
  );

  for (const example of plans)
    test(`shows a plan that runs: line ${example.line}`, () => runPlan(example));

  for (const { line, code, notRun } of examplesOf(page, 'yaml')) {
    if (notRun === undefined || !isPlan(code)) continue;
    test(`shows a plan that is valid: line ${line}`, () => void planOf(code));
  }

  test('has no other files that are wrong', () => {
    for (const { code } of examplesOf(page, 'json')) JSON.parse(code);
  });
});

describe('commands', () => {
  const lines = examples
    .filter(({ language, notRun }) => language === 'sh' && notRun === undefined)
    .flatMap(({ file, line, code }) => code.split('\n').map((text) => [file, line, text] as const));

  test('install packages that exist', () => {
    const { devDependencies } = JSON.parse(
      readFileSync(join(root, 'apps/docs/package.json'), 'utf8'),
    );
    const unknown = lines.flatMap(([file, line, text]) =>
      [...text.matchAll(/@stratagem\/[\w-]+/g)]
        .filter(([name]) => !/--filter/.test(text) && devDependencies[name] === undefined)
        .map(([name]) => `${file}:${line} ${name}`),
    );
    expect(unknown).toEqual([]);
  });

  test('install the SDKs of providers with them: npm does not, as they are optional', () => {
    const sdks = {
      openai: 'openai',
      anthropic: '@anthropic-ai/sdk',
      mcp: '@modelcontextprotocol/client',
    };
    const missing = lines.flatMap(([file, line, text]) => {
      const words = text.split(/\s+/);
      if (!text.includes('npm install')) return [];
      return Object.entries(sdks)
        .filter(([name, sdk]) => words.includes(`@stratagem/${name}`) && !words.includes(sdk))
        .map(([, sdk]) => `${file}:${line} ${sdk}`);
    });
    expect(missing).toEqual([]);
  });

  test('start the program in a way that works without a global installation', () => {
    const bare = lines.filter(([, , text]) => /^\s*stratagem /.test(text));
    expect(bare.map(([file, line, text]) => `${file}:${line} ${text}`)).toEqual([]);
  });

  test('run scripts that exist', () => {
    const manifests = new Map<string, Record<string, string>>();
    const scriptsOf = (folder: string): Record<string, string> => {
      const known = manifests.get(folder);
      if (known !== undefined) return known;
      const { scripts } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
      manifests.set(folder, scripts);
      return scripts;
    };
    const folders = new Map(
      pageNames
        .map((file) => file.replace(/\/?[^/]+$/, ''))
        .filter((folder) => folder !== '' && existsSync(join(root, folder, 'package.json')))
        .map((folder) => {
          const { name } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
          return [name as string, folder];
        }),
    );
    const unknown = lines.flatMap(([file, line, text]) => {
      const [, name, script = ''] = /pnpm --filter (\S+) (\S+)/.exec(text) ?? [];
      if (name === undefined) return [];
      const folder = folders.get(name);
      const isKnown = folder !== undefined && scriptsOf(folder)[script] !== undefined;
      return isKnown ? [] : [`${file}:${line} ${text}`];
    });
    expect(unknown).toEqual([]);
  });
});

/** Whether a file is a plan, or a list of tasks; other files are cases, or settings. */
function isPlan(code: string): boolean {
  const given: unknown = parse(code);
  return Array.isArray(given) || Object.hasOwn(Object(given), 'tasks');
}

interface TaskData {
  readonly id: string;
  readonly dependencies?: readonly string[];
  readonly plan?: unknown;
  readonly with?: object;
}

/**
 * A plan, or some of the tasks of one: a fragment gets the tasks that it depends on, and a module in
 * another file is replaced by one with the inputs that it is given.
 */
function planOf(code: string): Plan {
  const given = parse(code) as readonly TaskData[] | { tasks: readonly TaskData[] };
  const document = 'tasks' in given ? given : { goal: 'x', tasks: completed(given) };
  return parsePlanDocument({ ...document, tasks: document.tasks.map(withModule) }).plan;
}

function completed(tasks: readonly TaskData[]): TaskData[] {
  const known = new Set(tasks.map(({ id }) => id));
  const missing = new Set(tasks.flatMap(({ dependencies = [] }) => dependencies));
  const others = [...missing].filter((id) => !known.has(id));
  return [...others.map((id) => ({ id, description: 'x' })), ...tasks];
}

function withModule(task: TaskData): TaskData {
  if (typeof task.plan !== 'string') return task;
  const inputs = Object.fromEntries(Object.keys(task.with ?? {}).map((name) => [name, {}]));
  return { ...task, plan: { goal: 'x', inputs, tasks: [{ id: 'x', description: 'x' }] } };
}

type Inputs = Readonly<Record<string, { readonly type: string; readonly default?: unknown }>>;

const SAMPLES: Readonly<Record<string, unknown>> = {
  string: 'Apple',
  integer: 3,
  array: ['a', 'b', 'c'],
};

/** Values for the inputs that have no default. */
function samplesOf(inputs: Inputs): Record<string, unknown> {
  const required = Object.entries(inputs).filter(([, { default: value }]) => value === undefined);
  return Object.fromEntries(required.map(([name, { type }]) => [name, SAMPLES[type]]));
}

const fetched = tool({
  name: 'fetch',
  description: 'Says what it would fetch.',
  inputSchema: z.object({ url: z.url(), query: z.record(z.string(), z.unknown()).optional() }),
  execute: ({ url, query }) => ({ url, query }),
});

async function runPlan({ code, section }: Example): Promise<void> {
  const plan = planOf(code);
  const { models = {}, inputs = {} } = parse(code) as { models?: object; inputs?: Inputs };
  const model = simulated({ latencyMs: 1 });
  // A budget in dollars needs a price.
  const runner: TaskRunner = {
    ...model,
    run: async (request, context) => ({ ...(await model.run(request, context)), costUsd: 0.001 }),
  };
  const names = Object.keys(models);
  const run = createExecutor({
    strategy: parallel(),
    runner,
    ...(names.length > 0 && { runners: Object.fromEntries(names.map((name) => [name, runner])) }),
    // No test asks the internet, or starts a program that may not be here.
    tools: [fetched],
    files: { write: async () => {} },
    commands: { run: async () => 2 },
  }).execute(plan, {
    inputs: samplesOf(inputs),
    onEvent(event) {
      if (event.type === 'task_waiting') queueMicrotask(() => run.approve(event.taskId));
    },
  });
  const { status, error } = await run;
  // The simulated model finds no papers.
  const expected = section === 'Goals' ? 'goal_not_achieved' : undefined;
  expect(error?.code, error?.message).toBe(expected);
  expect(status).toBe(expected === undefined ? 'completed' : 'failed');
}
