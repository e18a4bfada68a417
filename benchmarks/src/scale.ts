import { bare, type Contender, stratagem } from './scale/contenders.js';
import { predict } from './scale/model.js';
import { median } from './util/statistics.js';
import { printTable } from './util/table.js';

/**
 * Attempts on workers: how many a second, and how long one takes there and back, beside BullMQ alone on the
 * same store; and what a large fleet would do with a million of them.
 */
const ROUNDS = 3;
const COUNT = 2_000;
const AT_ONCE = 128;
const HOPS = 200;

interface Kit {
  readonly postgresProblem?: () => string | undefined;
  readonly redisProblem?: () => string | undefined;
  readonly startPostgres?: () => Promise<Server>;
  readonly startRedis?: () => Promise<Server>;
}

interface Server extends AsyncDisposable {
  readonly url: string;
}

// Its sources are TypeScript, which is no part of this build.
const load = (name: string): Promise<Kit> => import(`@stratagem/server-kit/${name}`);
const [postgres, redis] = [await load('postgres'), await load('redis')];
const stores = [
  ['PostgreSQL', postgres.postgresProblem?.(), postgres.startPostgres],
  ['Redis', redis.redisProblem?.(), redis.startRedis],
] as const;

const rates = new Map<string, number>();
const rows = [['', 'attempts/s', 'BullMQ alone', 'share', 'hop (ms)', 'BullMQ alone']];
for (const [name, problem, start] of stores) {
  if (problem !== undefined || start === undefined) {
    console.log(problem);
    continue;
  }
  await using server = await start();
  const contenders = [await stratagem(server.url, AT_ONCE), await bare(server.url, AT_ONCE)];
  const perSecond = new Map<Contender, number[]>(contenders.map((each) => [each, []]));
  const hops = new Map<Contender, number[]>(contenders.map((each) => [each, []]));
  for (const each of contenders) await each.run(200, AT_ONCE);
  for (let round = 0; round < ROUNDS; round++) {
    for (const each of contenders) {
      perSecond.get(each)?.push((1_000 * COUNT) / (await each.run(COUNT, AT_ONCE)));
      hops.get(each)?.push((await each.run(HOPS, 1)) / HOPS);
    }
  }
  const [ours, theirs] = contenders.map((each) => median(perSecond.get(each) ?? [])) as [
    number,
    number,
  ];
  const [ourHop, theirHop] = contenders.map((each) => median(hops.get(each) ?? [])) as [
    number,
    number,
  ];
  rates.set(name, ours);
  rows.push([
    name,
    whole(ours),
    whole(theirs),
    `${Math.round((100 * ours) / theirs)} %`,
    ourHop.toFixed(1),
    theirHop.toFixed(1),
  ]);
  for (const each of contenders) await each.close();
}
printTable(`${COUNT} attempts that do nothing, ${AT_ONCE} on their way, 2 workers`, rows);

const fleets = [10, 30, 100, 300].map((workers) => {
  const cells = Array.from(rates, ([, storeRate]) => {
    const fleet = { attempts: 1e6, workers, concurrency: 32, attemptMs: 5_000 };
    const { hours, store, places } = predict({ ...fleet, storeRate });
    const percent = (share: number) => `${Math.round(100 * share)} %`;
    return [hours.toFixed(2), percent(store), percent(places)];
  });
  return [`${workers} workers`, ...cells.flat()];
});
const head = Array.from(rates, ([name]) => [`${name} (h)`, 'store busy', 'workers busy']);
printTable('a million attempts of 5 s, 32 at once on each worker', [
  ['', ...head.flat()],
  ...fleets,
]);

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}
