import { randomFrom } from './random.js';

/** A graph by index: each task depends on earlier tasks only. */
export interface Dag {
  readonly size: number;
  readonly dependencies: readonly (readonly number[])[];
}

export const SHAPES = ['wide', 'chain', 'layered'] as const;

export type Shape = (typeof SHAPES)[number];

const NONE: readonly number[] = [];

/** `wide`: no dependencies; `chain`: each on the previous one; `layered`: layers of √n, each on two. */
export function dagOf(shape: Shape, size: number): Dag {
  const width = Math.max(1, Math.round(Math.sqrt(size)));
  const dependencies = Array.from({ length: size }, (_, index): readonly number[] => {
    if (shape === 'wide' || index === 0) return NONE;
    if (shape === 'chain') return [index - 1];
    if (index < width) return NONE;
    const place = index % width;
    const layer = index - place - width;
    return width === 1 ? [layer] : [layer + place, layer + ((place + 1) % width)];
  });
  return { size, dependencies };
}

/** Layers of random width with lognormal durations, to measure makespans. */
export function randomLayeredDag(seed: number): { dag: Dag; durationsMs: readonly number[] } {
  const random = randomFrom(seed);
  const dependencies: number[][] = [];
  let above: number[] = [];
  const layers = 5 + Math.floor(random() * 11);
  for (let layer = 0; layer < layers; layer++) {
    const width = 4 + Math.floor(random() * 21);
    const row = Array.from({ length: width }, () => {
      const wanted = above.length === 0 ? 0 : 1 + Math.floor(random() * 3);
      const picked = Array.from(
        { length: wanted },
        () => above[Math.floor(random() * above.length)] as number,
      );
      return dependencies.push([...new Set(picked)]) - 1;
    });
    above = row;
  }
  const durationsMs = dependencies.map(() => {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    return 1_000 * Math.exp(0.8 * radius * Math.cos(2 * Math.PI * random()));
  });
  return { dag: { size: dependencies.length, dependencies }, durationsMs };
}
