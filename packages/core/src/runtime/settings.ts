import type { AttemptCarrier } from '../contract/carrier.js';
import type { ValueCodec } from '../contract/codec.js';
import type { RunEvent } from '../contract/event.js';
import type { Instrumentation } from '../contract/instrumentation.js';
import type { AbandonedAttempt } from '../contract/interrupt.js';
import type { RunJournal } from '../contract/journal.js';
import type { Replan } from '../contract/replan.js';
import type { SecretTexts } from '../contract/secret-texts.js';
import type { Redact } from '../journal/redaction.js';
import type { Reuse } from '../journal/reuse.js';
import type { KernelOptions } from '../kernel/options.js';
import type { PlanData } from '../serialize/plan.js';
import type { Attachments } from './attachments.js';
import type { Runners } from './runners.js';
import type { SharedPlaces } from './shared-places.js';
import type { Toolbox } from './tool-registry.js';

/** Everything one run needs, with every default filled in. */
export interface RunSettings extends Omit<KernelOptions, 'resourceOf' | 'loan'> {
  readonly runId: string;
  /** Where the run is written before anything of it is heard of or done. */
  readonly record: RunRecord | undefined;
  readonly runners: Runners;
  /** Where attempts run; undefined for this process. */
  readonly carrier: AttemptCarrier | undefined;
  readonly toolbox: Toolbox;
  /** Reads what tasks attach. */
  readonly attachments: Attachments;
  /** Places that the run shares with the other runs of its executor. */
  readonly places: SharedPlaces | undefined;
  readonly codecs: readonly ValueCodec[];
  /** What is kept out of everything that attempts report. */
  readonly secretTexts: SecretTexts | undefined;
  /** The maximum length of one output. */
  readonly maxBytes: number;
  readonly maxDepth: number;
  /** What is asked for a revision of the plan. */
  readonly planner: Pick<Replan, 'revise'> | undefined;
  readonly timeline: 'keep' | 'stream';
  readonly outputs: 'all' | 'final';
  /** How long aborted work of this process is waited for. */
  readonly abortGraceMs: number;
  readonly onAbandoned: ((attempt: AbandonedAttempt) => void) | undefined;
  readonly signal: AbortSignal | undefined;
  readonly instrumentation: Instrumentation | undefined;
  readonly onEvent: ((event: RunEvent) => void) | undefined;
  /** Whether `onEvent` gets the text that attempts stream. */
  readonly wantsText: boolean;
}

/** How a run is kept. */
export interface RunRecord {
  readonly planData: PlanData;
  readonly redact: Redact | undefined;
  /** Where outputs of earlier runs are looked for. */
  readonly reuse: Reuse | undefined;
  /** Takes the lease. */
  readonly open: () => Promise<RunJournal>;
}
