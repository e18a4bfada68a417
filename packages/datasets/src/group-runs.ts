import {
  type Executor,
  type InputValues,
  memoryJournal,
  type Plan,
  PlanChangedError,
  type RunEvent,
  type RunHandle,
} from '@stratagem/core';
import type { BudgetShare } from './budget-share.js';
import {
  type History,
  historyOf,
  latestRuns,
  type Opening,
  openingOf,
  type Records,
} from './history.js';
import { RowFold } from './mapped-row.js';
import type { MapOptions } from './options.js';
import { PartialCount } from './partial-count.js';
import type { Questions } from './questions.js';
import {
  type BindingOptions,
  bindRows,
  declaredInputs,
  planForRows,
  positionOf,
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
  /** Undefined where nothing can be recorded. */
  readonly #records: Records | undefined;
  #binding: RowBinding<Row> | undefined;
  #latest: ReadonlyMap<number, string> = new Map();
  /** The one that was read last. */
  #opening: Opening | undefined;
  #mayChange = false;

  /** @throws {OptionError} when the plan cannot be run for rows. */
  constructor(parts: Parts<Row>) {
    this.#parts = parts;
    const { journal, codecs } = parts.options;
    this.#rowsName = rowsName(declaredInputs(parts.plan));
    this.#records = journal && { journal, codecs, rowsName: this.#rowsName };
    // What is wrong with the plan alone is known at once.
    this.#planFor({ names: Object.keys(declaredInputs(parts.plan)) }, 'rows', 1);
  }

  /** Binds the inputs of the plan to the columns of the first row, and looks for earlier runs. */
  async prepare(first: Row): Promise<void> {
    const { plan, mapId, options } = this.#parts;
    const { bind, inputs, textCells: isText, journal } = options;
    const binding = { bind, inputs, isText } as BindingOptions<Row>;
    this.#binding = bindRows<Row>(plan, first, binding);
    if (journal !== undefined && options.mapId !== undefined) {
      this.#latest = await latestRuns(journal, mapId);
    }
  }

  /** How many rows an earlier map has recorded in this group; undefined for none. */
  async recordedSize(number: number): Promise<number | undefined> {
    const runId = this.#latest.get(number);
    return runId === undefined ? undefined : (await this.#openingOf(runId))?.size;
  }

  /** How many rows of this group are left to do, if the run of an earlier map is resumed for it. */
  async rowsLeft(number: number, group: RowGroup<Row>): Promise<number> {
    const history = await this.#historyOf(number, this.#runOf(group));
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
    const { plan, values } = this.#runOf(group);
    const known = this.#latest.get(number);
    const history = await this.#historyOf(number, { plan, values });
    if (known !== undefined && history !== undefined) {
      // What a run has used counts towards a budget, and is known when it is resumed.
      const { isIdentical, hasEnded, fold } = history;
      const isDone = isIdentical && hasEnded && fold.left(this.#retryFailed) === 0;
      if (isDone && !budget.isLimited) {
        return Segment.restored(known, group, fold, onProgress);
      }
      if (history.isSame) {
        const resumed = await this.#resume(known, group, plan, values, history);
        if (resumed !== undefined) return resumed;
      }
      if (!history.isSamePlan && !(await this.#mayRunAgain(number, plan, values, history))) {
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
    plan: Plan,
    values: InputValues,
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

  async #mayRunAgain(
    number: number,
    plan: Plan,
    values: InputValues,
    history: History,
  ): Promise<boolean> {
    const { options, questions } = this.#parts;
    if (this.#mayChange || options.confirm === undefined) return true;
    const again = await this.#requestsOf(plan, values);
    if (again === 0) return true;
    const share = again / Math.max(1, history.fold.size);
    const left = () => this.requestsFrom(number);
    this.#mayChange = await questions.ask('plan_changed', left, history.figures, share);
    return this.#mayChange;
  }

  /**
   * How many rows from this group on will send requests; undefined when the rows cannot be read again. Of many
   * groups, some are looked at, and the others are taken to be like them.
   */
  async requestsFrom(number: number): Promise<number | undefined> {
    const groups = this.#parts.groupsFrom(number);
    if (groups === undefined) return undefined;
    const { journal } = this.#parts.options;
    const hasRecords = journal !== undefined && (await journal.list()).length > 0;
    const mayBeFree = hasRecords || this.#hasCache;
    // Rows are mostly added at the end, so groups without a record are looked at for themselves.
    const [recorded, others] = [new PartialCount(), new PartialCount()];
    let position = number;
    for await (const group of groups) {
      const size = group.rows.length;
      const count = this.#latest.has(position) ? recorded : others;
      await count.add(size, () => (mayBeFree ? this.#requestsOfGroup(position, group) : size));
      position++;
    }
    return Math.round(recorded.total + others.total);
  }

  async #requestsOfGroup(number: number, group: RowGroup<Row>): Promise<number> {
    const { plan, values } = this.#runOf(group);
    const history = await this.#historyOf(number, { plan, values });
    if (history?.isSame && history.isSamePlan) return history.fold.left(this.#retryFailed);
    return this.#requestsOf(plan, values);
  }

  /** Whether a runner may answer without a request. */
  get #hasCache(): boolean {
    const { runner, runners = {} } = this.#parts.options;
    return [runner, ...Object.values(runners)].some((each) => Object(each).cached !== undefined);
  }

  /** How many rows of a run have no output that can be reused, or that a cache has. */
  async #requestsOf(plan: Plan, values: InputValues): Promise<number> {
    const { executor, options } = this.#parts;
    const { journal, reuse = journal !== undefined } = options;
    if (!reuse && !this.#hasCache) return (values[this.#rowsName] as readonly unknown[]).length;
    const from = reuse ? journal : memoryJournal();
    const forecasts = await executor.explain(plan, { inputs: values, journal: from });
    const rows = forecasts.flatMap(({ taskId, runs }) => (runs ? (positionOf(taskId) ?? []) : []));
    return new Set(rows).size;
  }

  /** The record of the run of an earlier map for a group; undefined for none. */
  async #historyOf(
    number: number,
    run: { readonly plan: Plan; readonly values: InputValues },
  ): Promise<History | undefined> {
    const runId = this.#latest.get(number);
    if (runId === undefined || this.#records === undefined) return undefined;
    return historyOf(this.#records, runId, await this.#openingOf(runId), run);
  }

  async #openingOf(runId: string): Promise<Opening | undefined> {
    if (this.#opening?.runId === runId) return this.#opening;
    this.#opening = this.#records && (await openingOf(this.#records, runId));
    return this.#opening;
  }

  /** The plan and the inputs of the run for a group. */
  #runOf({ numbers, rows }: RowGroup<Row>): { plan: Plan; values: InputValues } {
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
