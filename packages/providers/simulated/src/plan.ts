import type { TaskRequest } from '@stratagem/core';

/** What a planner says of the plan it asks for: see `@stratagem/planner`. */
interface Planning {
  readonly goal: string;
  readonly minSubtasks: number;
  readonly maxSubtasks: number;
  readonly maxTasks: number;
  /** The types that its tasks may have. */
  readonly taskTypes: readonly string[];
}

/** Sides of any question, each a task of its own. */
const ANGLES = [
  ['figures', 'Work out the figures that matter'],
  ['opinions', 'Compare what those concerned say'],
  ['risks', 'Find out what could go wrong'],
  ['history', 'Tell how it came about'],
  ['examples', 'Pick telling examples'],
] as const;

/** A usual plan has this many tasks. */
const USUAL = 4;

/** What a request for a plan says of it; undefined for any other request. */
export function planningOf({ metadata }: TaskRequest): Planning | undefined {
  const { planning } = metadata as { planning?: Partial<Planning> | null };
  if (typeof planning !== 'object' || planning === null) return undefined;
  const { goal, minSubtasks, maxSubtasks, maxTasks, taskTypes } = planning;
  const limits = [minSubtasks, maxSubtasks, maxTasks];
  const isMeant =
    typeof goal === 'string' &&
    limits.every((limit) => typeof limit === 'number') &&
    Array.isArray(taskTypes);
  return isMeant ? (planning as Planning) : undefined;
}

/**
 * A plan for any goal: gather, look at it from several sides at the same time, put the result
 * together. It keeps within the limits that the planner gives.
 */
export function planFor({ goal, ...limits }: Planning): object {
  const { minSubtasks, maxSubtasks, maxTasks, taskTypes } = limits;
  const size = Math.max(minSubtasks, Math.min(USUAL, maxSubtasks, maxTasks));
  const about = shorten(goal);
  const task = (id: string, wanted: string, description: string, dependencies: string[]) => {
    const type = taskTypes.includes(wanted) ? wanted : taskTypes[0];
    return { id, description, type, dependencies };
  };
  if (size === 1) return { tasks: [task('result', 'action', about, [])] };
  const gather = task('gather', 'observation', `Gather what is known that bears on: ${about}`, []);
  const sides = Array.from({ length: size - 2 }, (_, index) => {
    const [id, what] = ANGLES[index % ANGLES.length] as (typeof ANGLES)[number];
    const round = Math.floor(index / ANGLES.length);
    const name = round === 0 ? id : `${id}-${round + 1}`;
    return task(name, 'action', `${what}, from what was gathered, for: ${about}`, ['gather']);
  });
  const needed = sides.length === 0 ? ['gather'] : sides.map(({ id }) => id);
  const result = task('result', 'aggregate', `Put the result together for: ${about}`, needed);
  return { tasks: [gather, ...sides, result] };
}

/** On one line, and no longer than a title. */
function shorten(text: string): string {
  const line = text.slice(0, 1_000).trim().replace(/\s+/g, ' ');
  const characters = [...line];
  return characters.length <= 200 ? line : `${characters.slice(0, 199).join('')}…`;
}
