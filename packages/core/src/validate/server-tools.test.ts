import { describe, expect, test } from 'vitest';
import type { Task } from '../contract/task.js';
import { validatePlan } from './plan.js';

const problemsOf = (fields: object) =>
  validatePlan({
    goal: 'Search',
    tasks: [{ id: 'a', description: 'Search.', ...fields } as Task],
  }).map(({ code, message }) => [code, message]);

describe('serverTools of a task', () => {
  test.each<[unknown[]]>([
    [['web_search']],
    [['web_search', 'code_execution']],
    [[{ type: 'web_search', maxUses: 3, allowedDomains: ['example.com'] }, 'code_execution']],
    [[{ type: 'web_search', blockedDomains: ['a.b'], userLocation: { country: 'PT' } }]],
    [[{ type: 'code_execution', providerOptions: { openai: { container: 'cntr_1' } } }]],
  ])('%j is accepted', (serverTools) => {
    expect(problemsOf({ serverTools })).toEqual([]);
  });

  test.each<[unknown]>([
    ['web_search'],
    [[]],
    [['websearch']],
    [['web_search', { type: 'web_search' }]],
    [[null]],
    [[{}]],
    [[{ type: 'web_search', maxUses: 0 }]],
    [[{ type: 'web_search', allowedDomains: [] }]],
    [[{ type: 'web_search', allowedDomains: ['a.b'], blockedDomains: ['c.d'] }]],
    [[{ type: 'web_search', userLocation: { land: 'PT' } }]],
    [[{ type: 'code_execution', maxUses: 1 }]],
    [[{ type: 'code_execution', providerOptions: { openai: 1 } }]],
    [7],
  ])('%j is a problem of the plan', (serverTools) => {
    expect(problemsOf({ serverTools })).toEqual([
      ['invalid_value', expect.stringContaining("must be a list of 'web_search'")],
    ]);
  });

  test('a choice may force one of them, and no tool of the task may have its name', () => {
    const forced = { toolChoice: { type: 'tool', toolName: 'web_search' } };
    expect(problemsOf({ serverTools: ['web_search'], ...forced })).toEqual([]);
    expect(problemsOf({ serverTools: ['web_search'], toolChoice: 'required' })).toEqual([]);
    expect(problemsOf({ serverTools: ['code_execution'], ...forced })).toEqual([
      ['unknown_tool', expect.stringContaining("is none of the task's tools")],
    ]);
    expect(problemsOf({ serverTools: ['web_search'], tools: ['web_search'] })).toEqual([
      ['conflict', expect.stringContaining('the task has a tool named "web_search" too')],
    ]);
  });

  test('have no effect on a function', () => {
    expect(problemsOf({ serverTools: ['web_search'], run: () => 1 })).toEqual([
      ['conflict', expect.stringContaining('has no effect')],
    ]);
  });
});
