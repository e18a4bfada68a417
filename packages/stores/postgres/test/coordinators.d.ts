export interface Coordinators {
  readonly killedAt: ReadonlyMap<number, number>;
  replace(index: number): Promise<void>;
  suspend(index: number, durationMs: number): Promise<void>;
  end(): Promise<void>;
}

export interface CoordinatorSettings {
  readonly url: string;
  /** The file of their notes. */
  readonly notes: string;
  readonly leaseMs: number;
  readonly maxRuns: number;
  /** The longest time of an attempt. */
  readonly maxMs: number;
}

export function coordinators(
  count: number,
  given: CoordinatorSettings,
  onDot?: () => void,
): Coordinators;

export function ownedByTwo(notes: string, killedAt: ReadonlyMap<number, number>): string[];
