import type { RunQueue, SharedLimits } from '@stratagem/core/journal';

export function openQueue(url: string, options?: { readonly leaseMs?: number }): RunQueue;
export function openLimits(url: string): SharedLimits;
