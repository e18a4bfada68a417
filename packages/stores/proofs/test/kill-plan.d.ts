import type { Plan, RunHandle, TaskRunner } from '@stratagem/core';

export function planOf(seed: string, size: number): Plan;
export function runnerOf(maxMs: number): TaskRunner;
export function approveAll(run: RunHandle): Promise<void>;
