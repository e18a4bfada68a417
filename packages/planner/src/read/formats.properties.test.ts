import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { plannerSettings } from '../options/planner-options.js';
import { readPlan } from './read-plan.js';

const settings = plannerSettings('test', { minSubtasks: 1 });

/** A task, as it was meant. */
interface Meant {
  readonly id: string;
  readonly text: string;
  readonly needs: readonly string[];
  /** Work that is written in a field of its own. */
  readonly work: string;
}

/** How a plan is written. */
interface Style {
  readonly idField: string;
  readonly textField: string;
  readonly needsField: string;
  readonly workField: string;
  readonly listField: string;
  /** Names of the two ends of an edge, where dependencies are written beside the tasks. */
  readonly ends: readonly [string, string] | undefined;
  readonly edgesField: string;
  /** What a task without dependencies has in the field for them. */
  readonly none: unknown;
  readonly asText: boolean;
}

const ids = fc.constantFrom(
  (n: number) => `${n + 1}`,
  (n: number) => `${n}`,
  (n: number) => `t${n + 1}`,
  (n: number) => `task_${n}`,
  (n: number) => ['alpha', 'beta', 'gamma', 'delta', 'omega', 'sigma'][n] as string,
  (n: number) => ['собрать', '整理', 'prüfen', 'écrire', 'imprimir', 'enviar'][n] as string,
);

const plans = fc.tuple(fc.integer({ min: 2, max: 6 }), ids).chain(([count, idOf]) =>
  fc
    .tuple(
      ...Array.from({ length: count }, (_, n) =>
        fc.record({
          id: fc.constant(idOf(n)),
          text: fc
            .constantFrom(
              'Collect oak leaves',
              'Sort & press them',
              'Draw the "best" one',
              'Écrire: un mot',
            )
            .map((text) => `${text} ${'xyzvwq'[n]}`),
          needs: fc.subarray(Array.from({ length: n }, (_, before) => idOf(before))),
          work: fc
            .constantFrom('in red ink', 'within <5> pages', 'no #glue, please')
            .map((work) => `${work} ${'klmnop'[n]}`),
        }),
      ),
    )
    .map((tasks) => tasks as readonly Meant[]),
);

const styles: fc.Arbitrary<Style> = fc.record({
  idField: fc.constantFrom('id', 'task_id', 'stepId', 'ID'),
  textField: fc.constantFrom('description', 'prompt', 'instruction', 'task'),
  needsField: fc.constantFrom(
    ...[
      'dependencies',
      'depends_on',
      'dep',
      'deps',
      'dependency_ids',
      'dependent_tasks',
      'dependsOnSteps',
    ],
    ...['requires', 'prerequisites', 'parents', 'blocked_by', 'predecessor_ids', 'waits_for'],
  ),
  workField: fc.constantFrom(
    ...['args', 'parameters', 'prompt_template', 'expected_output', 'acceptance_criteria', 'title'],
    ...['notes', 'tone', 'hinweis', '要求'],
  ),
  listField: fc.constantFrom('tasks', 'steps', 'plan', 'nodes', 'my_tasks'),
  ends: fc.constantFrom(
    undefined,
    undefined,
    ['source', 'target'] as const,
    ['from', 'to'] as const,
  ),
  edgesField: fc.constantFrom('edges', 'task_links', 'links'),
  none: fc.constantFrom([], null, -1, [-1], 'none', undefined),
  asText: fc.boolean(),
});

function dataOf(tasks: readonly Meant[], style: Style) {
  const { ends } = style;
  const list = tasks.map(({ id, text, needs, work }) => ({
    [style.idField]: id,
    [style.textField]: text,
    [style.workField]: work,
    ...(ends === undefined && { [style.needsField]: needsOf(needs, style) }),
  }));
  const edges = tasks.flatMap(({ id, needs }) =>
    needs.map((need) => ({ [ends?.[0] ?? '']: need, [ends?.[1] ?? '']: id })),
  );
  return { [style.listField]: list, ...(ends !== undefined && { [style.edgesField]: edges }) };
}

function needsOf(needs: readonly string[], { none, asText }: Style): unknown {
  if (needs.length === 0) return none;
  return asText ? needs.join(', ') : needs;
}

function escapeXml(text: unknown): string {
  return String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

/** Elements only: names of other scripts are names of elements as well. */
function xmlOf(tasks: readonly Meant[], style: Style): string {
  const data = dataOf(tasks, style) as Record<string, Record<string, unknown>[]>;
  const lists = Object.entries(data).map(([name, list]) => {
    const items = list.map((each) => {
      const fields = Object.entries(each).map(([field, value]) => {
        if (value === null || value === undefined) return `<${field}/>`;
        const inner = Array.isArray(value)
          ? value.map((one) => `<item>${escapeXml(one)}</item>`).join('')
          : escapeXml(value);
        return `<${field}>${inner}</${field}>`;
      });
      return `<item>${fields.join('')}</item>`;
    });
    return `<${name}>${items.join('\n')}</${name}>`;
  });
  return `<answer>\n${lists.join('\n')}\n</answer>`;
}

const FORMATS: Readonly<Record<string, (tasks: readonly Meant[], style: Style) => string>> = {
  JSON: (tasks, style) => JSON.stringify(dataOf(tasks, style)),
  'JSON in prose': (tasks, style) =>
    `Here it is:\n\`\`\`json\n${JSON.stringify(dataOf(tasks, style), null, 2)}\n\`\`\`\nGood luck!`,
  YAML: (tasks, style) => stringify(JSON.parse(JSON.stringify(dataOf(tasks, style)))),
  'YAML in prose': (tasks, style) =>
    `Here it is:\n\`\`\`yaml\n${stringify(JSON.parse(JSON.stringify(dataOf(tasks, style))))}\`\`\`\nBye!`,
  XML: xmlOf,
};

/** The dependencies and the words of each task, as they were read. */
function expectMeant(answer: string, tasks: readonly Meant[]): void {
  const { tasks: read, problems } = readPlan(answer, settings);
  expect(problems, answer).toEqual([]);
  expect(read.map(({ id }) => id)).toEqual(tasks.map(({ id }) => id));
  for (const [index, { text, needs, work }] of tasks.entries()) {
    const task = read[index];
    expect([...(task?.dependencies ?? [])].sort(), answer).toEqual([...needs].sort());
    for (const words of [text, work]) expect(task?.description).toContain(words);
  }
}

test.each(Object.entries(FORMATS))(
  'a plan written as %s is read with the same dependencies and the same work',
  (_, write) => {
    fc.assert(
      fc.property(plans, styles, (tasks, style) => {
        // The same text of work in all tasks would make two fields equal: the numbers differ.
        expectMeant(write(tasks, style), tasks);
      }),
      { numRuns: 400 },
    );
  },
);

const clauses = fc.constantFrom(
  (needs: readonly string[]) => ` (depends on ${needs.join(', ')})`,
  (needs: readonly string[]) => ` [depends on: ${needs.join(' and ')}]`,
  (needs: readonly string[]) =>
    ` - depends on ${needs.length > 1 ? 'steps' : 'step'} ${needs.join(', ')}.`,
  (needs: readonly string[]) =>
    `\n   - Dependencies: ${needs.map((id) => `Step ${id}`).join(', ')}`,
  (needs: readonly string[]) => `\n   **Depends on:** ${needs.join(', ')}`,
);
const markers = fc.constantFrom(
  (id: string) => `${id}. `,
  (id: string) => `${id}) `,
  (id: string) => `Step ${id}: `,
  (id: string) => `### Task ${id}: `,
  (id: string) => `**Step ${id}:** `,
);

test('a numbered list with clauses is read with the same dependencies and the same work', () => {
  const numbered = plans.map((tasks) => {
    const number = new Map(tasks.map(({ id }, index) => [id, `${index + 1}`]));
    return tasks.map((task) => ({
      ...task,
      id: number.get(task.id) as string,
      needs: task.needs.map((need) => number.get(need) as string),
    }));
  });
  fc.assert(
    fc.property(numbered, clauses, markers, fc.boolean(), (tasks, clause, marker, hasProse) => {
      fc.pre(tasks.some(({ needs }) => needs.length > 0));
      const items = tasks.map(({ id, text, work, needs }) => {
        return `${marker(id)}${text}, ${work}${needs.length > 0 ? clause(needs) : ''}`;
      });
      const list = items.join('\n');
      expectMeant(hasProse ? `This is the plan:\n\n${list}\n\nGood luck!` : list, tasks);
    }),
    { numRuns: 400 },
  );
});

test('a list of calls is read with the same dependencies and the same work', () => {
  fc.assert(
    fc.property(plans, fc.boolean(), (tasks, isBraced) => {
      const number = new Map(tasks.map(({ id }, index) => [id, `${index + 1}`]));
      const calls = tasks.map(({ text, work, needs }, index) => {
        const inputs = needs.map(
          (need) => `$${isBraced ? `{${number.get(need)}}` : number.get(need)}`,
        );
        return `${index + 1}. search(${[`${text}; ${work}`, ...inputs].map((each) => JSON.stringify(each)).join(', ')})`;
      });
      const meant = tasks.map((task) => ({
        ...task,
        id: number.get(task.id) as string,
        text: JSON.stringify(task.text).slice(1, -1),
        needs: task.needs.map((need) => number.get(need) as string),
      }));
      expectMeant(calls.join('\n'), meant);
    }),
    { numRuns: 400 },
  );
});

test('a field that may mean either direction is read as nothing else than a reason to ask', () => {
  const unclear = fc.constantFrom(
    ...['inputs', 'blocks', 'next', 'next_steps', 'successors', 'rely', 'enables', 'dependents'],
    ...['verbunden_mit', '前置', 'linked_to', 'parent', 'used_by'],
  );
  const formats = fc.constantFrom(...Object.values(FORMATS));
  fc.assert(
    fc.property(plans, styles, unclear, formats, (tasks, style, needsField, write) => {
      const pairs = tasks.filter(({ needs }) => needs.length > 0);
      fc.pre(pairs.length > 0);
      const answer = write(tasks, { ...style, needsField, ends: undefined, none: [] });
      const { problems } = readPlan(answer, settings);
      const fields = problems
        .filter(({ code }) => code === 'unclear')
        .map(({ path }) => path.at(-1));
      expect(fields, answer).toEqual(pairs.map(() => needsField));
    }),
    { numRuns: 400 },
  );
});
