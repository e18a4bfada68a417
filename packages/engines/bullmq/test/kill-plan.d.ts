import type { Plan, RunHandle, TaskRunner } from '@stratagem/core';

export function sizeOf(layered: number): number;
export function planOf(seed: string, layered: number): Plan;
export function runnerOf(
  maxMs: number,
  onStart?: (runId: string, taskId: string, attempt: number) => void,
): TaskRunner;
export function approveAll(run: RunHandle): Promise<void>;
