import type { RunAccount, RunSummary } from '@stratagem/core';

/** The result of a run, or the recorded state of a run that has not ended. */
export type DisplayableRun = Omit<RunAccount, 'status'> & { readonly status: RunSummary['status'] };
