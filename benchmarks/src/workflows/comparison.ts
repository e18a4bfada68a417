import { adaptive } from '@stratagem/adaptive';
import type { Strategy } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { fixedLatency, simulateOn } from '@stratagem/simulation';
import { durationsOf, planOf, type WorkflowGraph } from './graphs.js';

/** What the answers of a server tell about their tokens. */
export interface TokenCase {
  readonly name: string;
  readonly tokensOf: (durationMs: number, index: number) => number;
  readonly tokensPerChunk?: number;
  /** Whether the tasks have exact estimates of their durations. */
  readonly estimates?: true;
}

const fitting = (durationMs: number) => Math.max(1, Math.round(durationMs / 20));

export const TOKEN_CASES: readonly TokenCase[] = [
  { name: 'fitting tokens, streamed', tokensOf: fitting, tokensPerChunk: 20 },
  { name: 'fitting tokens', tokensOf: fitting },
  { name: 'no tokens', tokensOf: () => 0 },
  { name: 'the same tokens', tokensOf: () => 1_000 },
  { name: 'unrelated tokens', tokensOf: (_, index) => 1 + ((index * 7_919) % 1_999) },
  { name: 'no tokens, exact estimates', tokensOf: () => 0, estimates: true },
];

export const CAPS = [8, 16];

/** The makespan under `adaptive`, relative to `parallel` at the same cap. Load never slows the server. */
export function ratioOf(graph: WorkflowGraph, cap: number, tokenCase: TokenCase): number {
  const durationsMs = durationsOf(graph);
  const { tokensOf, tokensPerChunk, estimates } = tokenCase;
  const plan = planOf(graph, estimates && durationsMs);
  const makespanMs = (strategy: Strategy) =>
    simulateOn(plan, {
      server: fixedLatency(),
      strategy,
      demandOf: ({ id }) => {
        const workMs = durationsMs[Number(id)] as number;
        return { workMs, inputTokens: 600, outputTokens: tokensOf(workMs, Number(id)) };
      },
      ...(tokensPerChunk !== undefined && { tokensPerChunk }),
    }).metrics.executionTimeMs;
  return makespanMs(adaptive({ maxParallel: cap })) / makespanMs(parallel({ maxParallel: cap }));
}
