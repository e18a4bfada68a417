import type { TaskRequest } from '@stratagem/core';

/** The metadata of a planner's request for a plan; see `@stratagem/planner`. */
interface Planning {
  readonly goal: string;
  readonly minSubtasks: number;
  readonly maxSubtasks: number;
  readonly maxTasks: number;
  /** The allowed types of tasks. */
  readonly taskTypes: readonly string[];
}

/** Aspects of any question, each a task of its own. */
const ANGLES = [
  ['figures', 'Work out the figures that matter'],
  ['opinions', 'Compare what those concerned say'],
  ['risks', 'Find out what could go wrong'],
  ['history', 'Tell how it came about'],
  ['examples', 'Pick telling examples'],
] as const;

/** The default number of tasks. */
const DEFAULT_SIZE = 4;

/** The planning metadata of a request; undefined when it does not ask for a plan. */
export function planningOf({ metadata }: TaskRequest): Planning | undefined {
  const { planning } = metadata as { planning?: Partial<Planning> | null };
  if (typeof planning !== 'object' || planning === null) return undefined;
  const { goal, minSubtasks, maxSubtasks, maxTasks, taskTypes } = planning;
  const limits = [minSubtasks, maxSubtasks, maxTasks];
  const isPlanning =
    typeof goal === 'string' &&
    limits.every((limit) => typeof limit === 'number') &&
    Array.isArray(taskTypes);
  return isPlanning ? (planning as Planning) : undefined;
}

/**
 * A plan for any goal, within the limits of the planner: gather information, study several aspects in
 * parallel, combine the results.
 */
export function planFor({ goal, ...limits }: Planning): object {
  const { minSubtasks, maxSubtasks, maxTasks, taskTypes } = limits;
  const size = Math.max(minSubtasks, Math.min(DEFAULT_SIZE, maxSubtasks, maxTasks));
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

/** The text on one line, shortened to a title. */
function shorten(text: string): string {
  const line = text.slice(0, 1_000).trim().replace(/\s+/g, ' ');
  const characters = [...line];
  return characters.length <= 200 ? line : `${characters.slice(0, 199).join('')}…`;
}
