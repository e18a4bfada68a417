import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { createPlan, validatePlan } from '../index.js';

test('addTask adds to the same plan, in order', () => {
  const plan = createPlan('Report', { metadata: { team: 'a' } });
  const returned = plan
    .addTask({ id: 'a', description: 'First' })
    .addTask({ id: 'b', description: 'Second', dependencies: ['a'], priority: 2 });
  expect(returned).toBe(plan);
  expect(plan.tasks.map(({ id }) => id)).toEqual(['a', 'b']);
  expect(validatePlan(plan)).toEqual([]);
});

test('a plan is the same after a round trip through JSON', () => {
  const plan = createPlan('Report', { metadata: { team: 'a' } }).addTask({
    id: 'a',
    description: 'First',
    type: 'observation',
    estimate: { durationMs: 5 },
    metadata: { n: 1 },
  });
  const copy = JSON.parse(JSON.stringify(plan));
  expect(copy).toEqual({
    goal: 'Report',
    metadata: { team: 'a' },
    tasks: [
      {
        id: 'a',
        description: 'First',
        type: 'observation',
        estimate: { durationMs: 5 },
        metadata: { n: 1 },
      },
    ],
  });
  expect(validatePlan(copy)).toEqual([]);
});

test('settings that are not given are not in the plan', () => {
  expect(Object.keys(createPlan('x'))).toEqual(['goal', 'tasks']);
  expect(JSON.stringify(createPlan('x', { metadata: undefined }))).toBe('{"goal":"x","tasks":[]}');
});

test('a task that was added twice is reported, not lost', () => {
  const plan = createPlan('x').addTask({ id: 'a', description: 'x' });
  plan.addTask({ id: 'a', description: 'y' });
  expect(plan.tasks).toHaveLength(2);
  expect(validatePlan(plan)).toMatchObject([{ code: 'duplicate_id', path: ['tasks', 1, 'id'] }]);
});

test('JSON leaves out the function of a task, and validation reports that it is missing', () => {
  const plan = createPlan('x').addTask({ id: 'a', run: () => 1 });
  const copy = JSON.parse(JSON.stringify(plan));
  expect(copy.tasks).toEqual([{ id: 'a' }]);
  expect(validatePlan(copy)).toMatchObject([
    { code: 'missing_field', path: ['tasks', 0, 'description'] },
  ]);
});

describe('the types of a long plan', () => {
  /** How much work the compiler has with a plan of so many function tasks in one chain of calls. */
  async function instantiationsOf(size: number): Promise<number> {
    const fileOf = (name: string) => JSON.stringify(fileURLToPath(new URL(name, import.meta.url)));
    const calls = Array.from({ length: size - 1 }, (_, n) => {
      const task = `id: 't${n + 1}', dependencies: ['t${n}'], run: (inputs) => inputs.t${n} + 1`;
      return `  .addTask({ ${task} })`;
    });
    const source = [
      `import type { OutputsOf } from ${fileOf('plan.js')};`,
      `import { createPlan } from ${fileOf('plan-builder.js')};`,
      "const plan = createPlan('long').addTask({ id: 't0', run: () => 0 })",
      ...calls,
      `;export const last: OutputsOf<typeof plan>['t${size - 1}'] = 1;`,
    ];
    const folder = await mkdtemp(join(tmpdir(), 'long-plan-'));
    try {
      const file = join(folder, 'plan.mts');
      await writeFile(file, source.join('\n'));
      const compiler = fileURLToPath(
        new URL('../../node_modules/typescript/bin/tsc', import.meta.url),
      );
      const options =
        '--ignoreConfig --noEmit --strict --module nodenext --target es2023 --lib es2023,dom';
      const { stdout } = await promisify(execFile)(process.execPath, [
        compiler,
        ...options.split(' '),
        '--extendedDiagnostics',
        file,
      ]);
      return Number(/^Instantiations:\s+(\d+)/m.exec(stdout)?.[1]);
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  test('cost the compiler no more for the two-hundredth task than for the others', async () => {
    const [short, long] = (await Promise.all([100, 200].map(instantiationsOf))) as [number, number];
    expect(short).toBeGreaterThan(0);
    expect(long).toBeLessThan(2.2 * short);
    expect(long).toBeLessThan(262_700);
  });
});

test('createPlan refuses unknown options', () => {
  expect(() => createPlan('x', { metdata: {} } as never)).toThrow('Did you mean "metadata"?');
});
