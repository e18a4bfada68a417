import { describe, expect, test } from 'vitest';
import { eventsOf, planOf, taskOf } from '../../test/runs.js';
import { executorWith } from '../../test/steps.js';
import type { CommandRunner } from '../contract/command-runner.js';
import { formatProblem } from '../contract/plan-error.js';
import type { RunContext } from '../contract/run-context.js';
import type { CommandCall } from '../contract/step.js';
import { parsePlanDocument } from '../document/parse.js';
import { validatePlan } from '../validate/plan.js';

describe('a task with a command', () => {
  function recorder(output: unknown = 'out') {
    const calls: CommandCall[] = [];
    const commands: CommandRunner = {
      run: async (call) => {
        calls.push(call);
        return output;
      },
    };
    return { calls, commands };
  }

  test('gets each argument as one text, and its settings filled in', async () => {
    const { calls, commands } = recorder();
    const plan = planOf(
      { id: 'a', run: () => ({ name: 'x; rm -rf /', list: [1, 2] }) },
      { id: 'b', command: ['echo', '{{a.name}}', '{{a.list}}'], dependencies: ['a'] },
      {
        id: 'c',
        dependencies: ['a'],
        command: {
          argv: ['sort'],
          stdin: '{{a.list}}',
          env: { N: '{{a.name}}' },
          cwd: 'd',
          output: 'json',
        },
      },
    );
    const result = await executorWith({ commands }).execute(plan);
    expect(calls).toEqual([
      { argv: ['echo', 'x; rm -rf /', '[1,2]'], output: 'text' },
      { argv: ['sort'], cwd: 'd', env: { N: 'x; rm -rf /' }, stdin: '[1,2]', output: 'json' },
    ]);
    expect(eventsOf(result, 'task_started').map(({ resource }) => resource)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    const made = eventsOf(result, 'task_output').filter(({ kind }) => kind === 'tool_call');
    expect(made[1]).toMatchObject({ tool: 'command', input: { argv: ['sort'], env: ['N'] } });
  });

  test.each([
    [[], 'tasks[0].command: must be a program and its arguments, like [jq, .items]'],
    ['ls -l', expect.stringContaining('no shell reads it')],
    [['{{item}}'], expect.stringContaining('an output cannot choose what runs')],
    [['ls', 1], 'tasks[0].command[1]: must be a text; a number needs quotes'],
    [{ argv: ['ls'], shell: true }, expect.stringContaining('unknown field "shell"')],
    [{ argv: ['ls'], output: 'yaml' }, expect.stringContaining('must be one of text, json')],
    [{ argv: ['ls'], env: { 'a-b': 'x' } }, expect.stringContaining('called like a variable')],
    [['ls', 'a\0b'], expect.stringContaining('must be a text')],
  ])('refuses %j', (command, problem) => {
    const problems = validatePlan(planOf({ id: 'a', command: command as never }));
    expect(problems.map(formatProblem)).toContainEqual(problem);
  });

  test('may get a secret in its environment and input, and not as an argument', () => {
    const inputs = { token: { type: 'string', secret: true, env: 'T' } };
    const planWith = (command: unknown) => ({ goal: 'x', inputs, tasks: [{ id: 'a', command }] });
    const secret = '{{inputs.token}}';
    parsePlanDocument(planWith({ argv: ['x'], env: { T: secret }, stdin: secret }));
    expect(() => parsePlanDocument(planWith(['x', secret]))).toThrow('secret inputs are for');
  });

  test('is never run when it is added while the plan runs', async () => {
    const { calls, commands } = recorder();
    const plan = planOf({
      id: 'a',
      run: (_: object, { addTasks }: RunContext) =>
        addTasks([{ id: 'b', command: ['rm', '-rf', '/'] }]),
    });
    const result = await executorWith({ commands }).execute(plan);
    expect(taskOf(result, 'a').error?.message).toContain('cannot have a command');
    expect(calls).toEqual([]);
  });
});
