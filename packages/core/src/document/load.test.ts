import { describe, expect, test } from 'vitest';
import { inOrder, runnerOf, taskOf } from '../../test/runs.js';
import { formatProblem, PlanError } from '../contract/plan-error.js';
import type { TaskRunner } from '../contract/runner.js';
import { memoryJournal } from '../journal/memory-journal.js';
import { createExecutor } from '../runtime/executor.js';
import { planToData } from '../serialize/plan.js';
import { loadPlanDocument, PlanFileError } from './load.js';
import { type ParsedPlan, parsePlanDocument } from './parse.js';

const review = {
  goal: 'Review a text',
  inputs: { draft: { type: 'string' }, strictness: { type: 'integer', default: 3 } },
  outputs: { verdict: 'judge.verdict' },
  tasks: [
    { id: 'check', description: 'Check {{inputs.draft}}' },
    {
      id: 'judge',
      description: 'Judge {{check}}',
      dependencies: ['check'],
      outputSchema: { type: 'object', properties: { verdict: { type: 'string' } } },
    },
  ],
};

const root = (task: object, more: object = {}) => ({
  goal: 'Write',
  tasks: [
    { id: 'write', description: 'Write' },
    { id: 'review', dependencies: ['write'], plan: './review', ...task },
  ],
  ...more,
});

/** Loads the file `plan` with others, whose paths are their names. */
function load(files: Record<string, unknown>, reads: string[] = []): Promise<ParsedPlan> {
  return loadPlanDocument({ file: 'plan', value: files.plan }, (path) => {
    const file = path.replace('./', '');
    reads.push(file);
    if (!(file in files)) throw new PlanFileError('cannot be read: no such file');
    return { file, value: files[file] };
  });
}

async function problemsOf(files: Record<string, unknown>): Promise<string[]> {
  try {
    await load(files);
    return [];
  } catch (error) {
    if (error instanceof PlanError) return error.problems.map(formatProblem);
    throw error;
  }
}

describe('loadPlanDocument', () => {
  test('reads modules, whose tasks run with the values that they get', async () => {
    const { plan } = await load({ plan: root({ with: { draft: '{{write}}' } }), review });
    const { runner, requests } = runnerOf({ 'review/judge': { verdict: 'good' } });
    const result = await createExecutor({ strategy: inOrder, runner }).execute(plan);
    expect(requests.get('review/check')?.prompt).toBe('Check Write');
    expect(taskOf(result, 'review').output).toEqual({ verdict: 'good' });
  });

  test('reads and parses each file once', async () => {
    const reads: string[] = [];
    const leaf = { goal: 'leaf', tasks: [{ id: 'l', description: 'l' }] };
    const middle = (name: string) => ({ goal: name, tasks: [{ id: 'm', plan: './leaf' }] });
    const plan = {
      goal: 'root',
      tasks: [
        { id: 'a', plan: './a' },
        { id: 'b', plan: './b' },
        { id: 'again', plan: './a' },
      ],
    };
    const loaded = await load({ plan, a: middle('a'), b: middle('b'), leaf }, reads);
    expect(reads).toEqual(['a', 'leaf', 'b', 'leaf']);
    const [a, b] = loaded.plan.tasks;
    expect(a?.plan?.tasks[0]?.plan).toBe(b?.plan?.tasks[0]?.plan);
  });

  test('takes plans that are written in place, so that a recorded plan is one', async () => {
    const { plan } = await load({ plan: root({ with: { draft: '{{write}}' } }), review });
    const data = JSON.parse(JSON.stringify(planToData(plan)));
    const again = parsePlanDocument(data).plan;
    expect(planToData(again)).toEqual(data);
    expect(data.tasks[1].plan.tasks[0].id).toBe('check');
  });

  test('reports problems of nested files by their names, with the others', async () => {
    const wrong = {
      ...review,
      strategy: 'parallel',
      budget: { tokens: 1 },
      tasks: [{ id: 'check', description: 'Check {{inputs.drft}}', dependson: ['x'] }],
      outputs: { verdict: 'chek' },
    };
    const plan = root({ with: { draft: '{{wrte}}', strictnes: 1, x: 2 } });
    expect(await problemsOf({ plan, review: wrong })).toEqual([
      'review: budget: has no effect in a module, as it limits a whole run; set it in the plan that uses the module',
      'review: strategy: has no effect in a module, as it schedules a whole run; set it in the plan that uses the module',
      'review: tasks[0].dependson: unknown field "dependson". Did you mean "dependencies"?',
      'review: tasks[0].description: {{inputs.drft}}: the plan has no input "drft". Did you mean "draft"?',
      'review: outputs.verdict: "chek" is neither a task nor a part of its output. Did you mean "check"?',
      'tasks[1].with.draft: {{wrte}} is not an input of this task. Did you mean "write"?',
    ]);
    expect(await problemsOf({ plan, review })).toEqual([
      'tasks[1].with.draft: {{wrte}} is not an input of this task. Did you mean "write"?',
      'tasks[1].with.strictnes: the plan of the module has no input "strictnes". Did you mean "strictness"?',
      'tasks[1].with.x: the plan of the module has no input "x". Its inputs are draft, strictness.',
    ]);
  });

  test('checks values and results against the schemas of the nested file', async () => {
    const plan = root({ with: { draft: 1, strictness: 'high' } });
    plan.tasks.push({
      id: 'use',
      dependencies: ['review'],
      description: 'Use {{review.verdct}}',
    } as never);
    expect(await problemsOf({ plan, review })).toEqual([
      'tasks[1].with.draft: does not fit the input of the module: Invalid input: expected string, received number',
      'tasks[1].with.strictness: does not fit the input of the module: Invalid input: expected number, received string',
      'tasks[2].description: {{review.verdct}} is not in the output of "review": its schema has no "verdct" there. Did you mean "verdict"?',
    ]);
  });

  test('shows files that contain each other as a path', async () => {
    const contains = (path: string) => ({ goal: path, tasks: [{ id: 'm', plan: path }] });
    const files = { plan: contains('./a'), a: contains('./b'), b: contains('./a') };
    expect(await problemsOf(files)).toEqual([
      'b: tasks[0].plan: plan files contain each other: a → b → a (each contains the next)',
    ]);
    expect(await problemsOf({ plan: contains('./plan') })).toEqual([
      'tasks[0].plan: plan files contain each other: plan → plan (each contains the next)',
    ]);
  });

  test('limits how deep files are nested', async () => {
    const files: Record<string, unknown> = { plan: { goal: 'x', tasks: [{ id: 'm', plan: '0' }] } };
    for (let n = 0; n < 20; n++) files[n] = { goal: 'x', tasks: [{ id: 'm', plan: `${n + 1}` }] };
    expect(await problemsOf(files)).toEqual([
      '6: tasks[0].plan: is in modules that are nested deeper than 8 levels',
    ]);
  });

  test('reports files that cannot be read where they are named, and no more of them', async () => {
    const plan = root({ plan: './revew', with: { draft: '{{write}}', tone: 'x' } });
    expect(await problemsOf({ plan, review })).toEqual([
      'tasks[1].plan: cannot be read: no such file',
    ]);
    const other = () => {
      throw new Error('down');
    };
    await expect(loadPlanDocument({ file: 'plan', value: plan }, other)).rejects.toThrow('down');
  });

  test('reports problems of plans that are written in place', async () => {
    const inner = {
      goal: 'i',
      tasks: [{ id: 'a', description: 'a', dependencies: ['b'] }],
      goals: 1,
    };
    const plan = { goal: 'x', tasks: [{ id: 'm', subtasks: [{ id: 'n', plan: inner }] }] };
    expect(await problemsOf({ plan })).toEqual([
      'tasks[0].subtasks[0].plan.goals: unknown field "goals". Did you mean "goal"?',
      'tasks[0].subtasks[0].plan.tasks[0].dependencies[0]: there is no task "b". Did you mean "a"?',
    ]);
    expect(await problemsOf({ plan: { goal: 'x', tasks: [{ id: 'm', plan: 3 }] } })).toEqual([
      'tasks[0].plan: must be the path of a plan file, like ./review.yaml, or a plan',
    ]);
  });

  test('needs a function that reads files', () => {
    expect(() => parsePlanDocument(root({ with: { draft: 'd' } }))).toThrow(
      'tasks[1].plan: is the path of a file, which cannot be read here: loadPlanDocument() takes a function that reads files',
    );
  });
});

describe('the models of modules', () => {
  const fast = { runner: 'simulated', temperature: 0 };
  const asking = (model?: string) => ({ id: 'a', description: 'a', ...(model && { model }) });
  const withTask = (path: string, models?: object, model?: string) => ({
    goal: 'x',
    ...(models && { models }),
    tasks: [asking(model), { id: 'm', plan: path }],
  });

  test('have the name of their file where the plan has others', async () => {
    const { plan, models } = await load({
      plan: withTask('./dir/inner', { fast: { ...fast, temperature: 1 }, slow: fast }, 'fast/x'),
      'dir/inner': withTask('./leaf', { fast, slow: fast }, 'fast/x'),
      leaf: { goal: 'leaf', tasks: [asking('slow')] },
    });
    expect(models).toEqual({
      fast: { ...fast, temperature: 1 },
      slow: fast,
      'fast@inner': fast,
    });
    const [a, m] = plan.tasks;
    expect(a?.model).toBe('fast/x');
    expect(m?.plan?.tasks[0]?.model).toBe('fast@inner/x');
    expect(m?.plan?.tasks[1]?.plan?.tasks[0]?.model).toBe('slow');
  });

  test('have a default for their own tasks alone', async () => {
    const { plan, models } = await load({
      plan: { goal: 'x', tasks: [asking(), { id: 'm', plan: './inner' }] },
      inner: { ...withTask('./leaf', { default: fast }), outputs: ['a'] },
      leaf: {
        goal: 'leaf',
        tasks: [
          asking(),
          { id: 'group', subtasks: [asking('default')].map((t) => ({ ...t, id: 'b' })) },
        ],
      },
    });
    expect(models).toEqual({ 'default@inner': fast });
    const [a, m] = plan.tasks;
    expect(a?.model).toBeUndefined();
    expect(m?.model).toBeUndefined();
    const leaf = m?.plan?.tasks[1]?.plan?.tasks;
    expect(leaf?.map(({ model }) => model)).toEqual(['default@inner', undefined]);
    expect(leaf?.[1]?.subtasks?.[0]?.model).toBe('default@inner');
  });

  test('are those of the plan around, where the module has none', async () => {
    const inner = { goal: 'inner', tasks: [asking('fst')] };
    expect(await problemsOf({ plan: withTask('./inner', { fast }, 'fast'), inner })).toEqual([
      'inner: tasks[0].model: there is no profile "fst" in models. Did you mean "fast"?',
    ]);
    const none = await load({ plan: withTask('./inner', undefined, 'gpt'), inner });
    expect(none.models).toBeUndefined();
    const mixed = {
      plan: withTask('./inner', undefined, 'gpt'),
      inner: withTask('./leaf', { fast }),
      leaf: inner,
    };
    expect(await problemsOf(mixed)).toEqual([
      'leaf: tasks[0].model: there is no profile "fst" in models. Did you mean "fast"?',
    ]);
    expect(await problemsOf({ ...mixed, leaf: { goal: 'l', tasks: [asking('fast')] } })).toEqual([
      'tasks[0].model: there is no profile "gpt" in models. The profiles are fast@inner. Where a module has profiles, each model is the name of one.',
    ]);
  });
});

describe('forEach: { file }', () => {
  const plan = (forEach: object) => ({
    goal: 'Read',
    tasks: [{ id: 'read', forEach, description: 'Read {{item.text}}' }],
  });
  const rows = [{ text: 'a' }, { text: 'b' }];
  const loadRows = (forEach: object, findRows?: Parameters<typeof loadPlanDocument>[2]) =>
    loadPlanDocument(
      { file: 'plan', value: plan(forEach) },
      () => {
        throw new PlanFileError('no plan');
      },
      findRows,
    );

  const opening = (list: readonly object[]) =>
    async function* () {
      yield* list;
    };

  test('runs a task for each row', async () => {
    const asked: unknown[] = [];
    const { plan: loaded } = await loadRows(
      { file: './rows.csv', maxItems: 5 },
      async (...args) => {
        asked.push(args);
        return opening(rows);
      },
    );
    expect(asked).toEqual([['./rows.csv', 'plan']]);
    expect(loaded.tasks[0]?.forEach).toMatchObject({ stream: { name: './rows.csv' }, maxItems: 5 });
    const { runner } = runnerOf();
    const result = await createExecutor({ strategy: inOrder, runner }).execute(loaded).orThrow();
    expect(result.outputs.read).toMatchObject([{ output: 'Read a' }, { output: 'Read b' }]);
  });

  describe('in recorded runs', () => {
    const list = Array.from({ length: 20 }, (_, n) => ({ text: `t${n}`, note: 'x' }));
    const changed = list.map((row, n) => (n === 7 ? { ...row, text: 'new' } : row));
    const wider = list.map((row) => ({ ...row, stars: 5 }));

    function recorded() {
      const prompts: string[] = [];
      const runner: TaskRunner = {
        name: 'echo',
        async run({ prompt }) {
          prompts.push(prompt);
          return { output: prompt };
        },
      };
      const options = { strategy: inOrder, runner, journal: memoryJournal(), reuse: true };
      const asked = async (run: () => PromiseLike<unknown>) => {
        prompts.length = 0;
        await run();
        return prompts;
      };
      return { executor: createExecutor(options), asked };
    }

    const over = async (given: object[]) =>
      (await loadRows({ file: 'r' }, () => opening(given))).plan;

    test('a run that has read all rows keeps them when it is resumed', async () => {
      const { executor, asked } = recorded();
      await executor.execute(await over(list), { runId: 'run' }).orThrow();
      const plan = await over(changed);
      expect(await asked(() => executor.resume('run', { plan }).orThrow())).toEqual([]);
    });

    test.each([
      ['for a changed row alone', changed, ['Read new']],
      ['for nothing when a column was added that no prompt uses', wider, []],
    ])('a run that reuses the one before asks %s', async (_, given, expected) => {
      const { executor, asked } = recorded();
      await executor.execute(await over(list)).orThrow();
      const plan = await over(given);
      expect(await asked(() => executor.execute(plan).orThrow())).toEqual(expected);
    });

    test('a fork with other inputs keeps the rows', async () => {
      const { executor, asked } = recorded();
      const value = { ...plan({ file: 'r' }), inputs: { tone: { type: 'string' } } };
      value.tasks.push({ id: 'sum', description: 'Sum {{inputs.tone}}' } as never);
      const none = () => {
        throw new PlanFileError('no plan');
      };
      const loaded = await loadPlanDocument({ file: 'plan', value }, none, () => opening(list));
      const inputs = (tone: string) => ({ inputs: { tone } }) as object;
      await executor.execute(loaded.plan, { runId: 'run', ...inputs('calm') }).orThrow();
      const fork = { plan: loaded.plan, ...inputs('loud'), reuse: false };
      expect(await asked(() => executor.fork('run', fork).orThrow())).toEqual(['Sum loud']);
    });
  });

  test.each([
    [{ file: 'r' }, undefined, 'tasks[0].forEach.file: cannot be read here'],
    [{ file: '-' }, () => opening(rows), 'tasks[0].forEach.file: must be a file'],
    [{ file: 'r', items: 'x' }, () => opening(rows), 'tasks[0].forEach'],
    [{ file: 5 }, () => opening(rows), 'tasks[0].forEach'],
    [
      { file: 'r' },
      async () => {
        throw new PlanFileError('there is no file r');
      },
      'tasks[0].forEach.file: there is no file r',
    ],
  ])('reports what is wrong with %j', async (forEach, findRows, message) => {
    await expect(loadRows(forEach, findRows)).rejects.toThrow(message);
    expect(() => parsePlanDocument(plan(forEach))).toThrow(PlanError);
  });
});
