import type { Plan, RunHandle, TaskRunner } from '@stratagem/core';

export const SIZE: number;
export function planOf(seed: string): Plan;
export function runnerOf(maxMs: number): TaskRunner;
export function approveAll(run: RunHandle): Promise<void>;
