import type { RunOrigin } from '../contract/event.js';

/** The names of a kind that are listed; more are counted. */
const SHOWN = 5;

/**
 * Says where a forked run comes from, and what is different in it: the run and its last event that counts,
 * the tasks that were asked to run again, the inputs with other values, and the changes of the plan.
 *
 * @param origin Without a `runId`, the run is not named.
 *
 * @example
 * describeOrigin(forkedFrom); // 'run 2b1acb3f at event 17: runs "report" again, other value of "company"'
 */
export function describeOrigin(
  origin: Omit<RunOrigin, 'runId'> & { readonly runId?: string | undefined },
): string {
  const { runId, sequence } = origin;
  const differences = differencesIn(origin);
  const place = `${runId === undefined ? '' : `run ${runId} `}at event ${sequence}`;
  return differences.length === 0 ? place : `${place}: ${differences.join(', ')}`;
}

function differencesIn({ tasks = [], inputs = [], changes }: Omit<RunOrigin, 'runId'>): string[] {
  const of = (kind: string) =>
    (changes?.tasks ?? [])
      .filter((task) => task.kind === kind)
      .map(({ taskId, fields }) =>
        fields.length === 0 ? quoted(taskId) : `${quoted(taskId)} (${fields.join(', ')})`,
      );
  const parts: readonly (readonly [string, readonly string[], string])[] = [
    ['runs', tasks.map(quoted), ' again'],
    ['other value of', inputs.map(quoted), ''],
    ['changed', of('changed'), ''],
    ['added', of('added'), ''],
    ['removed', of('removed'), ''],
    ['changed', changes?.settings ?? [], ' of the plan'],
  ];
  return parts
    .filter(([, names]) => names.length > 0)
    .map(([verb, names, end]) => `${verb} ${listed(names)}${end}`);
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN).join(', ');
  return names.length > SHOWN ? `${shown} and ${names.length - SHOWN} more` : shown;
}

function quoted(name: string): string {
  return JSON.stringify(name);
}
