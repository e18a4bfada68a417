import { StratagemError } from '../contract/errors.js';

/** The difference of one task between two plans. */
export interface TaskChange {
  readonly taskId: string;
  readonly kind: 'added' | 'removed' | 'changed';
  /** The fields of a changed task that differ; `parent` when it belongs to another task now. */
  readonly fields: readonly string[];
}

/** The differences between two plans. */
export interface PlanDiff {
  readonly tasks: readonly TaskChange[];
  /** Settings of the plan that differ: `goal`, `deadlineMs`, … */
  readonly settings: readonly string[];
}

/** The plan differs from the recorded plan of the run. */
export class PlanChangedError extends StratagemError {
  readonly runId: string;
  readonly diff: PlanDiff;

  constructor(runId: string, diff: PlanDiff) {
    const lines = linesOf(diff);
    const shown = lines.slice(0, 20).map((line) => `  ${line}`);
    if (lines.length > shown.length) shown.push(`  and ${lines.length - shown.length} more`);
    super(
      'plan_changed',
      `The plan differs from the recorded plan of run "${runId}". Accept the changes (acceptChanges: true) to keep ` +
        `completed tasks that have not changed:\n${shown.join('\n')}`,
    );
    this.runId = runId;
    this.diff = diff;
  }
}

function linesOf({ tasks, settings }: PlanDiff): string[] {
  const sign = { added: '+', removed: '-', changed: '~' };
  return [
    ...settings.map((setting) => `~ ${setting} of the plan`),
    ...tasks.map(({ taskId, kind, fields }) => {
      const what = fields.length === 0 ? '' : `: ${fields.join(', ')}`;
      return `${sign[kind]} task "${taskId}"${what}`;
    }),
  ];
}
