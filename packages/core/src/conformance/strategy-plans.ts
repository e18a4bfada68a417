import type { Plan } from '../contract/plan.js';

/** Plans of every shape, each with what it is called. */
export function plans(): [kind: string, plan: Plan][] {
  return [
    ['a single task', planOf([[]])],
    ['a batch', planOf(Array.from({ length: 64 }, () => []))],
    ['a chain', planOf(Array.from({ length: 50 }, (_, index) => (index === 0 ? [] : [index - 1])))],
    ['a diamond', planOf([[], [0], [0], [1, 2]])],
    ['layers', layered(10, 8, 4)],
    ['a plan with late dependencies', planOf([[3], [0, 2], [3], []])],
    ...Array.from({ length: 5 }, (_, seed): [string, Plan] => [
      `random plan ${seed}`,
      random(60, seed),
    ]),
  ];
}

export function layered(levels: number, width: number, seed: number): Plan {
  const next = generator(seed);
  return planOf(
    Array.from({ length: levels * width }, (_, index) => {
      if (index < width) return [];
      const above = (Math.floor(index / width) - 1) * width;
      return [...new Set([above + next(width), above + next(width)])];
    }),
  );
}

function random(size: number, seed: number): Plan {
  const next = generator(seed);
  return planOf(
    Array.from({ length: size }, (_, index) => {
      const wanted = Array.from({ length: next(4) }, () => next(index + 1));
      return [...new Set(wanted)].filter((dependency) => dependency < index);
    }),
  );
}

/** Tasks with dependencies by position, and with varied priorities and estimates. */
export function planOf(dependencies: readonly (readonly number[])[]): Plan {
  return {
    goal: 'conformance',
    tasks: dependencies.map((positions, position) => ({
      id: `task ${position}`,
      description: `Task ${position}`,
      dependencies: positions.map((dependency) => `task ${dependency}`),
      priority: position % 3,
      ...(position % 2 === 0 && { estimate: { durationMs: 10 + (position % 5) * 20 } }),
      metadata: { position },
    })),
  };
}

/** Random integers below a bound, the same for the same seed. */
function generator(seed: number): (bound: number) => number {
  let state = (seed + 1) * 2_654_435_761;
  return (bound) => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 3_266_489_917) >>> 0;
    return state % bound;
  };
}
