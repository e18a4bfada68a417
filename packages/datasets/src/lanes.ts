/** What the attempts at one resource have used. */
export interface Lane {
  /** Attempts that reported tokens. */
  readonly requests: number;
  /** In US dollars; null when the price of some tokens is unknown. */
  readonly costUsd: number | null;
}

/** Resources and what was used there. */
export type Lanes = ReadonlyMap<string, Lane>;

/** Adds to what was used at a resource. */
export function addLane(lanes: Map<string, Lane>, name: string, { requests, costUsd }: Lane): void {
  const { requests: before, costUsd: cost } = lanes.get(name) ?? { requests: 0, costUsd: 0 };
  const sum = cost === null || costUsd === null ? null : cost + costUsd;
  lanes.set(name, { requests: before + requests, costUsd: sum });
}
