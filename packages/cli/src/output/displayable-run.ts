import type { RunAccount, RunSummary } from '@stratagem/core';

/** A run that can be shown: a result, or what is recorded of one that is not over. */
export type ShownRun = Omit<RunAccount, 'status'> & { readonly status: RunSummary['status'] };
