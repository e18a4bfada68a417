import type { RunListing, RunSummary } from '@stratagem/core';

/** The result of a run, or the recorded state of a run that has not ended. */
export type DisplayableRun = Omit<RunSummary, 'status'> & { readonly status: RunListing['status'] };
