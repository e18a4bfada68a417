import {
  type Executor,
  type InputValues,
  type Plan,
  PlanChangedError,
  type RunEvent,
  type RunHandle,
} from '@stratagem/core';
import type { BudgetShare } from './budget-share.js';
import type { History } from './history.js';
import { RowFold } from './mapped-row.js';
import type { MapOptions } from './options.js';
import type { Questions } from './questions.js';
import { RecordedGroups } from './recorded-groups.js';
import { type GroupRun, RequestCount } from './request-count.js';
import {
  type BindingOptions,
  bindRows,
  declaredInputs,
  planForRows,
  type RowBinding,
  rowsName,
} from './row-plan.js';
import { Segment } from './segment.js';
import type { RowGroup } from './segment-source.js';

interface Parts<Row> {
  readonly plan: Plan<unknown, unknown>;
  readonly mapId: string;
  readonly options: MapOptions<InputValues, Row>;
  readonly executor: Executor;
  readonly budget: BudgetShare;
  readonly questions: Questions;
  /** The groups of rows from this one on, read once more; undefined where that cannot be done. */
  readonly groupsFrom: (number: number) => AsyncIterable<RowGroup<Row>> | undefined;
  /** Called when a row has begun or ended. */
  readonly onProgress: () => void;
}

/** The runs of a map: each works on a group of rows, and continues the one of an earlier map. */
export class GroupRuns<Outputs, Row> {
  readonly #parts: Parts<Row>;
  /** The input of the runs with the rows. */
  readonly #rowsName: string;
  readonly #recorded: RecordedGroups;
  readonly #requests: RequestCount<Row>;
  #binding: RowBinding<Row> | undefined;
  #mayChange = false;

  /** @throws {OptionError} when the plan cannot be run for rows. */
  constructor(parts: Parts<Row>) {
    this.#parts = parts;
    const { journal, codecs } = parts.options;
    this.#rowsName = rowsName(declaredInputs(parts.plan));
    this.#recorded = new RecordedGroups(journal && { journal, codecs, rowsName: this.#rowsName });
    const { options, executor } = parts;
    const runOf = (group: RowGroup<Row>) => this.#runOf(group);
    this.#requests = new RequestCount({ options, executor, recorded: this.#recorded, runOf });
    // What is wrong with the plan alone is known at once.
    this.#planFor({ names: Object.keys(declaredInputs(parts.plan)) }, 'rows', 1);
  }

  /** Binds the inputs of the plan to the columns of the first row, and looks for earlier runs. */
  async prepare(first: Row): Promise<void> {
    const { plan, mapId, options } = this.#parts;
    const { bind, inputs, textCells: isText } = options;
    const binding = { bind, inputs, isText } as BindingOptions<Row>;
    this.#binding = bindRows<Row>(plan, first, binding);
    if (options.mapId !== undefined) await this.#recorded.find(mapId);
  }

  /** How many rows an earlier map has recorded in this group; undefined for none. */
  recordedSize(number: number): Promise<number | undefined> {
    return this.#recorded.sizeOf(number);
  }

  /** How many rows of this group are left to do, if the run of an earlier map is resumed for it. */
  async rowsLeft(number: number, group: RowGroup<Row>): Promise<number> {
    const history = await this.#recorded.historyOf(number, this.#runOf(group));
    if (history === undefined || !history.isIdentical) return group.rows.length;
    return history.fold.left(this.#retryFailed);
  }

  get #retryFailed(): boolean {
    return this.#parts.options.retryFailed ?? false;
  }

  /**
   * Takes the results of an earlier map for this group, resumes its run, or begins a new one.
   *
   * @returns undefined when nobody wants to do its rows again.
   */
  async begin(number: number, group: RowGroup<Row>): Promise<Segment<Outputs, Row> | undefined> {
    const { budget, executor, mapId, onProgress } = this.#parts;
    const run = this.#runOf(group);
    const { plan, values } = run;
    const known = this.#recorded.runIdOf(number);
    const history = await this.#recorded.historyOf(number, run);
    if (known !== undefined && history !== undefined) {
      // What a run has used counts towards a budget, and is known when it is resumed.
      const { isIdentical, hasEnded, fold } = history;
      const isDone = isIdentical && hasEnded && fold.left(this.#retryFailed) === 0;
      if (isDone && !budget.isLimited) {
        return Segment.restored(known, group, fold, onProgress);
      }
      if (history.isSame) {
        const resumed = await this.#resume(known, group, run, history);
        if (resumed !== undefined) return resumed;
      }
      if (!history.isSamePlan && !(await this.#mayRunAgain(number, run, history))) {
        return undefined;
      }
    }
    const runId = idOf(mapId, number, known);
    return this.#follow(runId, group, new RowFold(group.rows.length), (onEvent) =>
      executor.execute(plan, { ...budget.left(), inputs: values, runId, onEvent } as never),
    );
  }

  /** Resumes a recorded run; undefined when its plan has changed. */
  async #resume(
    runId: string,
    group: RowGroup<Row>,
    { plan, values }: GroupRun,
    { fold, hasStarted, hasEnded }: History,
  ): Promise<Segment<Outputs, Row> | undefined> {
    const isCut = hasEnded && fold.ended < group.rows.length;
    const segment = this.#follow(runId, group, fold, (onEvent) =>
      this.#parts.executor.resume(runId, {
        // Its recorded limits are those of an earlier map.
        ...{ budget: {}, ...this.#parts.budget.left(runId) },
        plan,
        // A run that a budget has stopped goes on.
        retryFailed: isCut || this.#retryFailed,
        ...(!hasStarted && { inputs: values }),
        onEvent,
      }),
    );
    const problem = await segment.opened();
    if (problem === undefined) return segment;
    if (problem instanceof PlanChangedError) return undefined;
    throw problem;
  }

  #follow(
    runId: string,
    group: RowGroup<Row>,
    fold: RowFold,
    start: (onEvent: (event: RunEvent) => void) => RunHandle,
  ): Segment<Outputs, Row> {
    const { onEvent } = this.#parts.options;
    const segment = new Segment<Outputs, Row>(runId, group, fold, this.#parts.onProgress);
    const handle = start((event) => {
      segment.onEvent(event);
      onEvent?.(event, runId);
    });
    segment.follow(handle);
    return segment;
  }

  #planFor(binding: Pick<RowBinding<Row>, 'names'>, label: string, count: number): Plan {
    return planForRows(this.#parts.plan, binding, this.#constants(binding), { label, count });
  }

  #constants({ names }: Pick<RowBinding<Row>, 'names'>): InputValues {
    const given = Object.entries(this.#parts.options.inputs ?? {});
    return Object.fromEntries(given.filter(([name]) => !names.includes(name)));
  }

  async #mayRunAgain(number: number, run: GroupRun, history: History): Promise<boolean> {
    const { options, questions } = this.#parts;
    if (this.#mayChange || options.confirm === undefined) return true;
    const { size } = history.fold;
    const again = await this.#requests.of(run, size);
    if (again === 0) return true;
    const share = again / Math.max(1, size);
    const left = () => this.requestsFrom(number);
    this.#mayChange = await questions.ask('plan_changed', left, history.figures, share);
    return this.#mayChange;
  }

  /** How many rows from this group on will send requests; undefined when the rows cannot be read again. */
  async requestsFrom(number: number): Promise<number | undefined> {
    const groups = this.#parts.groupsFrom(number);
    return groups && this.#requests.from(number, groups);
  }

  /** The plan and the inputs of the run for a group. */
  #runOf({ numbers, rows }: RowGroup<Row>): GroupRun {
    const binding = this.#binding as RowBinding<Row>;
    const label = `rows ${numbers[0]} to ${numbers.at(-1)}`;
    const items = rows.map((row) => binding.itemOf(row));
    return {
      plan: this.#planFor(binding, label, rows.length),
      values: {
        ...this.#constants(binding),
        [this.#rowsName]: items,
      },
    };
  }
}

/** The id of a run of a map: a number above that of the earlier one for the same rows. */
function idOf(mapId: string, number: number, earlier: string | undefined): string {
  const own = `${mapId}.${String(number).padStart(6, '0')}`;
  if (earlier === undefined) return own;
  const revision = Number(/\.r(\d+)$/.exec(earlier)?.[1] ?? 1);
  return `${own}.r${revision + 1}`;
}
