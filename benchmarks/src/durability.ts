import { createExecutor, type Journal, type TaskRunner } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { bareJournal } from './durability/bare-journal.js';
import { runFlow } from './durability/bullmq.js';
import { benchFolder } from './durability/folder.js';
import { planOfShape, planOfTree } from './durability/plans.js';
import { journalOf, POLICIES, type Policy } from './durability/policy.js';
import { type AppendSync, redisVersion, startRedis } from './durability/redis.js';
import { sizeOf, treeOf } from './durability/tree.js';
import { inChild, killedChild } from './util/child-process.js';
import { median } from './util/statistics.js';
import { printTable } from './util/table.js';

/** The cost of durable runs: events per second, overhead, time to load a run, and BullMQ. */
const ROUNDS = 5;
const DURABLE = ['normal', 'full'] as const;

const PARTS = { appends, overhead, resume, bullmq };

/** `durability.js overhead` measures only the overhead. */
for (const [name, measure] of Object.entries(PARTS)) {
  const wanted = process.argv.slice(2);
  if (wanted.length === 0 || wanted.includes(name)) await measure();
}

/** Each combination of policy and append size in its own process; they take turns. */
async function appends(): Promise<void> {
  const batches = [1, 10, 100];
  const figures = new Map<string, number[]>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const policy of POLICIES) {
      for (const batch of batches) {
        const total = batch * (policy === 'full' ? 300 : 1_000);
        note(
          figures,
          `${policy} ${batch}`,
          await inChild('durability/append-child', [policy, batch, total]),
        );
      }
    }
  }
  printTable('events per second, by commit policy', [
    ['events per append', ...batches.map(String)],
    ...POLICIES.map((policy) => [
      policy,
      ...batches.map((batch) => whole(median(figures.get(`${policy} ${batch}`) ?? []))),
    ]),
  ]);
}

/**
 * Tasks of 20 ms, ten at a time and sequentially, with and without a journal; the runs take turns. A
 * journal that only writes and waits for the disk shows the least possible cost.
 */
async function overhead(): Promise<void> {
  const cases = [
    { name: '600 in layers, 10 at once', plan: planOfShape('layered', 600), maxParallel: 10 },
    { name: '60 in a chain', plan: planOfShape('chain', 60), maxParallel: 1 },
  ];
  const runner: TaskRunner = {
    name: 'sleep',
    run: ({ taskId }) =>
      new Promise((resolve) => setTimeout(() => resolve({ output: `Done with ${taskId}` }), 20)),
  };
  const rows = [['tasks of 20 ms', 'without (ms)', ...DURABLE, 'the disk alone']];
  for (const { name, plan, maxParallel } of cases) {
    await using folder = await benchFolder();
    const journals = [
      ...DURABLE.map((policy) => journalOf(policy, `${folder.path}/${policy}`)),
      await bareJournal(`${folder.path}/bare`),
    ];
    const figures = new Map<Journal | undefined, number[]>();
    // The first round is a warm-up that creates the files.
    for (let round = 0; round <= ROUNDS; round++) {
      for (const journal of [undefined, ...journals]) {
        const ms = await timed(() => execute(plan, runner, maxParallel, journal));
        if (round > 0) figures.set(journal, [...(figures.get(journal) ?? []), ms]);
      }
    }
    for (const journal of journals) await journal.close();
    const without = median(figures.get(undefined) ?? []);
    const over = (journal: Journal) => percent(median(figures.get(journal) ?? []) / without - 1);
    rows.push([name, without.toFixed(0), ...journals.map(over)]);
  }
  printTable('a run of 20 ms tasks with a journal, over the same run without one', rows);
}

/** The time to resume a recorded run, and to replay a finished one. */
async function resume(): Promise<void> {
  const cases = [
    {
      name: 'replay of 100,000 events of a finished run',
      size: 50_000,
      until: -1,
      mode: 'replay',
    },
    {
      name: 'resume of a run of 100,000 tasks, killed halfway, until its next task starts',
      size: 100_000,
      until: 50_000,
      mode: 'resume',
    },
  ];
  const rows = [['', 'ms']];
  for (const { name, size, until, mode } of cases) {
    const figures: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await using folder = await benchFolder();
      await killedChild('durability/resume-child', ['begin', folder.path, size, until]);
      figures.push(await inChild('durability/resume-child', [mode, folder.path, size, until]));
    }
    rows.push([name, whole(median(figures))]);
  }
  printTable('loading a recorded run', rows);
}

/** A tree of 1,111 no-op tasks, 16 at once, in Stratagem and in BullMQ on a local Redis. */
async function bullmq(): Promise<void> {
  const version = redisVersion();
  if (version === undefined) {
    console.log(
      '\nredis-server not found (Debian: apt-get install redis-server): BullMQ is skipped.',
    );
    return;
  }
  const tree = treeOf(3);
  const plan = planOfTree(tree);
  const runner: TaskRunner = { name: 'no-op', run: async () => ({ output: 'done' }) };
  const pairs: [policy: Policy, appendSync: AppendSync, survives: string][] = [
    ['normal', 'no', 'a killed process'],
    ['full', 'always', 'a power failure'],
  ];
  const rows = [[`tasks per second (Redis ${version})`, 'stratagem', 'BullMQ', 'times']];
  for (const [policy, appendSync, survives] of pairs) {
    const figures = { ours: [] as number[], theirs: [] as number[] };
    for (let round = 0; round < ROUNDS; round++) {
      await using folder = await benchFolder();
      const journal = journalOf(policy, folder.path);
      figures.ours.push(sizeOf(tree) / (await timed(() => execute(plan, runner, 16, journal))));
      await journal.close();
      await using redis = await startRedis(appendSync);
      const ms = await runFlow(tree, redis.port, async () => 'done', 16);
      figures.theirs.push(sizeOf(tree) / ms);
    }
    const [ours, theirs] = [median(figures.ours) * 1_000, median(figures.theirs) * 1_000];
    rows.push([`survives ${survives}`, whole(ours), whole(theirs), (ours / theirs).toFixed(1)]);
  }
  printTable(`a tree of ${sizeOf(tree)} no-op tasks, 16 at once`, rows);
}

async function execute(
  plan: Parameters<ReturnType<typeof createExecutor>['execute']>[0],
  runner: TaskRunner,
  maxParallel: number,
  journal: Journal | undefined,
): Promise<void> {
  const strategy = parallel({ maxParallel });
  const executor = createExecutor({ strategy, runner, ...(journal && { journal }) });
  const { status, error } = await executor.execute(plan);
  if (status !== 'completed') throw error;
}

async function timed(run: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await run();
  return performance.now() - began;
}

function note(figures: Map<string, number[]>, name: string, value: number): void {
  figures.set(name, [...(figures.get(name) ?? []), value]);
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
