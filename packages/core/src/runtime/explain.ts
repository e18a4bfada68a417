import type { AttachmentOptions } from '../contract/attachment.js';
import type { ValueCodec } from '../contract/codec.js';
import type { Journal } from '../contract/journal.js';
import type { Plan } from '../contract/plan.js';
import type { InputValues } from '../contract/plan-inputs.js';
import type { TaskRequest, TaskRunner } from '../contract/runner.js';
import type { AnySchema } from '../contract/schema.js';
import { SecretTexts } from '../contract/secret-texts.js';
import type { Strategy, TaskView } from '../contract/strategy.js';
import { localResourceOf, needsRunner, type Task } from '../contract/task.js';
import { validateAnswer } from '../contract/validate-output.js';
import type { Graph } from '../graph/graph.js';
import { TaskKind } from '../graph/task-kind.js';
import { wrapCorruptLog } from '../journal/corrupt-log.js';
import { LogReader } from '../journal/log-reader.js';
import type { Reuse } from '../journal/reuse.js';
import { Kernel } from '../kernel/kernel.js';
import type { KernelOptions } from '../kernel/options.js';
import { type PlanData, planToData } from '../serialize/plan.js';
import type { TaskChange } from '../serialize/plan-changed-error.js';
import { diffPlans } from '../serialize/plan-diff.js';
import { placeInLoops } from '../state/group.js';
import { requestOf } from '../state/prompt.js';
import { type Step, stepOf } from '../state/step.js';
import { AttachmentReader } from './attachment-reader.js';
import { contentKeyOf, stepKeyOf } from './content-key.js';
import {
  type Baseline,
  Forecaster,
  type InputsOf,
  isUnpredictable,
  type TaskForecast,
} from './forecaster.js';
import type { Runners } from './runners.js';
import type { Toolbox } from './tool-registry.js';

/** The settings of a forecast. */
interface ExplainSettings {
  readonly plan: Plan;
  readonly graph: Graph;
  /** The values of the plan's inputs. */
  readonly inputs: InputValues | undefined;
  readonly secrets: InputValues | undefined;
  readonly runners: Runners;
  readonly toolbox: Toolbox;
  readonly attachments: AttachmentOptions | undefined;
  readonly journal: Journal;
  readonly reuse: Reuse;
  readonly codecs: readonly ValueCodec[] | undefined;
  /** The run to compare with; undefined for the newest one with the same goal. */
  readonly since: string | undefined;
  readonly now: number;
}

/** Starts every ready task. */
const startAll: Strategy = {
  name: 'explain',
  begin() {
    const ready: TaskView[] = [];
    return { ready: (task) => ready.push(task), next: () => ready.pop() };
  },
};

/**
 * Predicts what a run of the plan would run and what it would reuse. The kernel itself simulates the
 * run as far as known outputs allow; nothing is executed.
 */
export async function explain(settings: ExplainSettings): Promise<TaskForecast[]> {
  const { plan, graph, runners, toolbox, reuse, now, codecs } = settings;
  const attachments = new AttachmentReader(settings.attachments);
  const { goalState: _, budget: __, ...rest } = plan;
  const { inputs, secrets } = settings;
  const values = { inputs, secrets };
  const secretTexts = secrets && new SecretTexts(secrets);
  const kernel = new Kernel({
    ...UNLIMITED,
    ...values,
    plan: rest,
    graph,
    strategy: startAll,
    codecs,
  });
  const reused = new Map<number, string | undefined>();
  kernel.start(now);
  // Completions append commands while this iterates; removing them from the front would be quadratic.
  for (const command of kernel.commands) {
    if (command.type !== 'start') continue;
    const context = { runners, toolbox, attachments, reuse, now, codecs, secretTexts };
    const found = await reusableOutput(kernel, command.index, context);
    if (found === undefined) continue;
    reused.set(command.index, found.runId);
    kernel.completed(command.index, command.attempt, { output: found.output }, now);
  }
  const before = await baselineOf(settings);
  const changes = diffWith(before, plan);
  const inputsAt: InputsOf = (index) => kernel.inputsOf(index);
  const forecaster = new Forecaster(kernel.state, inputsAt, before, changes, reused, codecs);
  return graph.tasks.map((task, index) => {
    const resource = needsRunner(task) ? runners.resourceOf(task) : localResourceOf(task);
    const parent = graph.parentOf(index);
    const prediction = forecaster.forecast(index);
    const isFanOut = (graph.kindOf(index) & TaskKind.forEach) !== 0;
    return {
      ...prediction,
      ...(isFanOut && prediction.runs && graph.childCount(index) === 0 && { itemsUnknown: true }),
      level: graph.levelOf(index),
      ...(parent !== undefined && { parentId: graph.taskOf(parent).id }),
      ...(resource !== undefined && { resource }),
    };
  });
}

const UNLIMITED: Omit<KernelOptions, 'plan' | 'graph' | 'strategy'> = {
  maxParallel: Number.POSITIVE_INFINITY,
  failFast: false,
  deadlineMs: Number.POSITIVE_INFINITY,
  timeoutMs: Number.POSITIVE_INFINITY,
  retry: undefined,
  budget: undefined,
  prices: {},
  replan: undefined,
  seed: 0,
  resourceOf: () => 'explain',
};

interface ReuseContext
  extends Pick<ExplainSettings, 'runners' | 'toolbox' | 'reuse' | 'now' | 'codecs'> {
  readonly attachments: AttachmentReader;
  readonly secretTexts: SecretTexts | undefined;
}

/** The content key of a call of a tool; undefined when nothing can be said. */
async function keyOfCall(
  kernel: Kernel,
  index: number,
  { toolbox, codecs, secretTexts }: ReuseContext,
): Promise<string | undefined> {
  const task = kernel.graph.tasks[index] as Task;
  let step: Step;
  try {
    step = stepOf(task, kernel.inputsOf(index), kernel.inputNamesOf(index));
  } catch {
    return undefined; // The attempt itself would report what is wrong with its arguments.
  }
  const { iterations } = placeInLoops(index, kernel.graph);
  return stepKeyOf(step, toolbox.called(task), { iterations, codecs, secretTexts });
}

/** An output that needs no attempt; `runId` is the run that it comes from, if it is not the runner's own. */
async function reusableOutput(
  kernel: Kernel,
  index: number,
  context: ReuseContext,
): Promise<{ readonly output: unknown; readonly runId: string | undefined } | undefined> {
  const { runners, attachments, reuse, now, codecs } = context;
  const task = kernel.graph.tasks[index] as Task;
  if (task.tool !== undefined) {
    const key = await keyOfCall(kernel, index, context);
    return key === undefined ? undefined : reuse.find(key, task.outputSchema, now);
  }
  const runner = runners.of(task);
  if (isUnpredictable(task) || runner === undefined) return undefined;
  let request: ReturnType<typeof requestOf>;
  try {
    const attached =
      task.attachments &&
      attachments.read({
        ...{ id: task.id, attachments: task.attachments, runner },
        inputs: kernel.inputsOf(index),
        names: kernel.inputNamesOf(index),
      });
    const read = attached?.map(({ attachment }) => attachment);
    request = runners.requestFor(requestOf(kernel.state, kernel.fanOut, index, read));
  } catch {
    return undefined; // The attempt itself would report what is wrong with its request.
  }
  const resource = runners.resourceOf(task);
  const key = await contentKeyOf(request, runner, resource, codecs, reuse.anyPosition);
  const found = key === undefined ? undefined : await reuse.find(key, task.outputSchema, now);
  return found ?? cachedOutput(runner, request, task.outputSchema);
}

/** The output that the runner has itself, as the schema of the task makes it; undefined when an attempt is needed. */
async function cachedOutput(runner: TaskRunner, request: TaskRequest, schema?: AnySchema) {
  try {
    const cached = await runner.cached?.(request);
    if (cached === undefined) return undefined;
    const { output } = cached;
    return {
      output: schema === undefined ? output : await validateAnswer(schema, output),
      runId: undefined,
    };
  } catch {
    return undefined; // Without an answer, the request is counted.
  }
}

async function baselineOf({
  journal,
  plan,
  since,
  codecs = [],
}: ExplainSettings): Promise<Baseline | undefined> {
  const runId = since ?? (await journal.list()).find(({ goal }) => goal === plan.goal)?.id;
  if (runId === undefined) return undefined;
  const reader = new LogReader(codecs);
  let planData: PlanData | undefined;
  for await (const event of journal.read(runId)) {
    wrapCorruptLog(runId, () => reader.read(event));
    if (event.type === 'run_started') planData = event.plan as PlanData;
  }
  const { state } = reader;
  return state && planData && { planData, state, inputsOf: (index) => reader.inputsOf(index) };
}

function diffWith(before: Baseline | undefined, plan: Plan): ReadonlyMap<string, TaskChange> {
  if (before === undefined) return new Map();
  const { tasks } = diffPlans(before.planData, planToData(plan));
  return new Map(tasks.map((change) => [change.taskId, change]));
}
