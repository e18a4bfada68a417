import type { Plan } from '@stratagem/core';
import { describe, expect, test } from 'vitest';
import { formatGraph } from './graph-format.js';

const plan: Plan = {
  goal: 'Report "AI"',
  tasks: [
    { id: 'research', description: 'Gather', type: 'observation' },
    { id: 'tech', description: 'Analyse', dependencies: ['research'] },
    { id: 'size', description: 'Measure', dependencies: ['research'] },
    { id: 'report', description: 'Write', dependencies: ['tech', 'size'] },
  ],
};

function labelsOf(id: string) {
  const of = { goal: 'x', tasks: [{ id, description: 'x' }] };
  const label = (text: string) => /t0 ?\[(?:label=)?"(.*)"\]/s.exec(text)?.[1];
  return {
    mermaid: label(formatGraph(of, 'mermaid')),
    dot: label(formatGraph(of, 'dot')),
  };
}

describe('the graph of a plan', () => {
  test('as Mermaid', () => {
    expect(formatGraph(plan, 'mermaid')).toBe(`flowchart TD
  t0["research"]
  t1["tech"]
  t2["size"]
  t3["report"]
  t0 --> t1
  t0 --> t2
  t1 --> t3
  t2 --> t3`);
  });

  test('as DOT', () => {
    expect(formatGraph(plan, 'dot')).toBe(`digraph "Report \\"AI\\"" {
  node [shape=box];
  t0 [label="research"];
  t1 [label="tech"];
  t2 [label="size"];
  t3 [label="report"];
  t0 -> t1;
  t0 -> t2;
  t1 -> t3;
  t2 -> t3;
}`);
  });

  test('says which tasks run after failures', () => {
    const of: Plan = {
      goal: 'x',
      tasks: [
        { id: 'a', description: 'x' },
        { id: 'clean', description: 'x', dependencies: ['a'], runAfter: 'settled' },
        { id: 'alarm', description: 'x', dependencies: ['a'], runAfter: 'failure' },
      ],
    };
    expect(formatGraph(of, 'mermaid')).toContain('["clean<br/>also after failures"]');
    expect(formatGraph(of, 'dot')).toContain('[label="alarm\\nonly after a failure"]');
    expect(JSON.parse(formatGraph(of, 'json')).nodes[1]).toMatchObject({ runAfter: 'settled' });
  });

  test('with the condition and the tasks of a loop', () => {
    const until = { path: 'judge.score', operator: '>=', value: 0.9 } as const;
    const of: Plan = {
      goal: 'x',
      tasks: [
        {
          id: 'improve',
          repeat: { until, maxIterations: 3 },
          subtasks: [
            { id: 'write', description: 'x' },
            { id: 'judge', description: 'x', dependencies: ['write'] },
          ],
        },
      ],
    };
    expect(formatGraph(of, 'dot')).toContain(
      '[label="improve\\nrepeat until judge.score >= 0.9, at most 3 times: write, judge"]',
    );
    expect(JSON.parse(formatGraph(of, 'json')).nodes).toMatchObject([
      { id: 'improve', repeat: { until, maxIterations: 3 } },
    ]);
  });

  test('as JSON', () => {
    expect(JSON.parse(formatGraph(plan, 'json'))).toEqual({
      goal: 'Report "AI"',
      levels: [['research'], ['tech', 'size'], ['report']],
      nodes: [
        { id: 'research', type: 'observation', level: 0, description: 'Gather' },
        { id: 'tech', type: 'action', level: 1, description: 'Analyse' },
        { id: 'size', type: 'action', level: 1, description: 'Measure' },
        { id: 'report', type: 'action', level: 2, description: 'Write' },
      ],
      edges: [
        { from: 'research', to: 'tech' },
        { from: 'research', to: 'size' },
        { from: 'tech', to: 'report' },
        { from: 'size', to: 'report' },
      ],
    });
  });
});

test.each([
  ['end', { mermaid: 'end', dot: 'end' }],
  ['snake_case-1.2', { mermaid: 'snake_case-1.2', dot: 'snake_case-1.2' }],
  ['__proto__', { mermaid: '#95;#95;proto#95;#95;', dot: '__proto__' }],
  ['1. list', { mermaid: '1#46; list', dot: '1. list' }],
  ['a "b" ]', { mermaid: 'a #34;b#34; #93;', dot: 'a \\"b\\" ]' }],
  ['<b>&lt;\\', { mermaid: '#60;b#62;#38;lt#59;#92;', dot: '<b>&amp;lt;\\\\' }],
  ['two\nlines', { mermaid: 'two#10;lines', dot: 'two\\nlines' }],
  ['\u001b[31m', { mermaid: '#27;#91;31m', dot: '␛[31m' }],
  ['市場 हिन्दी 😀', { mermaid: '市場 हिन्दी #128512;', dot: '市場 हिन्दी 😀' }],
])('the id %j is escaped in a label', (id, labels) => {
  expect(labelsOf(id)).toEqual(labels);
});

describe('the graph of a plan with modules', () => {
  const review: Plan = {
    goal: 'Review a text',
    tasks: [
      { id: 'check', description: 'Check' },
      { id: 'judge', description: 'Judge', dependencies: ['check'] },
    ],
  };
  const modules: Plan = {
    goal: 'x',
    tasks: [
      { id: 'write', description: 'Write' },
      { id: 'review', dependencies: ['write'], plan: review },
      { id: 'each', dependencies: ['review'], forEach: 'review', plan: review },
    ],
  };

  test('has a task for each of them', () => {
    expect(formatGraph(modules, 'mermaid')).toBe(`flowchart TD
  t0["write"]
  t1["review<br/>runs the plan#58; Review a text"]
  t2["each<br/>for each review<br/>runs the plan#58; Review a text"]
  t0 --> t1
  t1 --> t2`);
    expect(JSON.parse(formatGraph(modules, 'json')).nodes[1]).toEqual({
      id: 'review',
      type: 'action',
      level: 1,
      module: 'Review a text',
    });
  });

  test('has their tasks, when it is unfolded', () => {
    expect(formatGraph(modules, 'mermaid', true)).toBe(`flowchart TD
  t0["write"]
  subgraph t1["review<br/>runs the plan#58; Review a text"]
    t2["review#47;check"]
    t3["review#47;judge"]
  end
  t4["each<br/>for each review#58; check, judge<br/>runs the plan#58; Review a text"]
  t0 --> t1
  t2 --> t3
  t1 --> t4`);
    const { nodes, edges } = JSON.parse(formatGraph(modules, 'json', true));
    expect(nodes[2]).toMatchObject({ id: 'review/check', parent: 'review' });
    expect(edges).toContainEqual({ from: 'review/check', to: 'review/judge' });
    expect(formatGraph(modules, 'dot', true)).toContain('subgraph cluster_t1 {');
  });
});
