import { PLAN_INPUTS, secretsOf } from '../contract/plan-inputs.js';
import { type Path, parseReference } from '../contract/reference.js';
import { parseLoopFact } from '../contract/repeat.js';
import { isStandardSchema, jsonSchemaOf, type StandardSchema } from '../contract/schema.js';
import {
  doesOwnWork,
  hasSubtasks,
  isTemplate,
  type ModulePlan,
  type Task,
} from '../contract/task.js';
import { parseSource } from '../contract/template.js';
import { waitOf } from '../contract/wait-for.js';
import { Graph } from '../graph/graph.js';
import { TaskKind } from '../graph/task-kind.js';
import { isRecord } from '../util/record.js';
import { connectable } from './connectable.js';
import { UNKNOWN_MODULE } from './module.js';
import { ANYTHING, follow, itemsOf, type Missing, NUMBER, type Shape, shapeOf } from './shapes.js';

const ITEM_RESULTS = {
  type: 'array',
  items: {
    properties: {
      id: { type: 'string' },
      status: { enum: ['completed', 'failed'] },
      output: {},
      error: {},
    },
  },
};
const ENDING = shapeOf({ enum: ['reached', 'exhausted', 'failed'] });

/** The names of inputs that are no tasks, such as `item`, and what is known of their values. */
export type ImplicitInputs = ReadonlyMap<string, (path: Path) => Shape | Missing>;

const TEXT = shapeOf({ type: 'string' });
/** Plans that contain each other would be followed forever. */
const MAX_MODULES = 20;

/** What surrounds the tasks of a graph. */
interface Surroundings {
  /** The shapes around the fan-out or loop whose subtasks are the graph. */
  readonly outer?: InputShapes | undefined;
  readonly implicit?: ImplicitInputs | undefined;
  /** The inputs of the plan. */
  readonly planInputs?: StandardSchema | undefined;
  /** How many modules are around; more than a few are not followed. */
  readonly depth?: number | undefined;
}

/** The shapes of the inputs of tasks, as far as schemas tell. */
export class InputShapes {
  readonly graph: Graph;
  readonly #outer: InputShapes | undefined;
  /** What the tasks of the graph get from the fan-outs and loops around them. */
  readonly implicit: ImplicitInputs;
  /** That of the inputs of the plan; undefined for a plan without inputs. */
  readonly planInputs: Shape | undefined;
  /** The names of its secret inputs. */
  readonly secrets: readonly string[];
  /** By index, the shapes inside fan-outs and loops. */
  readonly #inside = new Map<number, InputShapes>();

  readonly #depth: number;
  readonly #modules = new Map<ModulePlan, InputShapes>();

  constructor(graph: Graph, around: Surroundings = {}) {
    const { outer, implicit = new Map(), planInputs, depth = 0 } = around;
    this.graph = graph;
    this.#depth = outer === undefined ? depth : outer.#depth;
    this.#outer = outer;
    this.implicit = implicit;
    this.planInputs = planInputs ? shapeOf(jsonSchemaOf(planInputs)) : outer?.planInputs;
    this.secrets = planInputs ? secretsOf(planInputs) : (outer?.secrets ?? []);
  }

  /** The shape of an output, or of a part of it. */
  at(id: string, path: Path): Shape | Missing {
    if (id === PLAN_INPUTS && this.planInputs !== undefined) return follow(this.planInputs, path);
    const implicit = this.implicit.get(id);
    if (implicit !== undefined) return implicit(path);
    const index = this.graph.indexOf(id);
    if (index === undefined) return this.#factAt(id, path) ?? this.#outer?.at(id, path) ?? ANYTHING;
    const task = this.graph.taskOf(index);
    if (task.forEach === undefined) return this.outputAt(index, path);
    const found = follow(shapeOf(ITEM_RESULTS), path);
    const [, field, ...rest] = path;
    return 'step' in found || field !== 'output' ? found : this.outputAt(index, rest);
  }

  /** The output of a task, of one item of a fan-out, or of one iteration of a loop. */
  outputAt(index: number, path: Path): Shape | Missing {
    const task = this.graph.taskOf(index);
    if (task.plan !== undefined) return this.#moduleOutputAt(task.plan, path);
    if (!hasSubtasks(task) || doesOwnWork(task)) return follow(outputShapeOf(task), path);
    const [name, ...rest] = path;
    if (name === undefined) return ANYTHING;
    const inner = this.inside(index);
    const { graph } = inner ?? this;
    const subtask = graph.indexOf(String(name));
    const group = inner === undefined ? index : undefined;
    if (subtask !== undefined && graph.parentOf(subtask) === group) {
      return (inner ?? this).at(String(name), rest);
    }
    return { step: name, names: (task.subtasks ?? []).map(({ id }) => id) };
  }

  /** The shapes of the inputs of the subtasks of a fan-out or a loop; undefined when it has none. */
  inside(index: number): InputShapes | undefined {
    const task = this.graph.taskOf(index);
    const { subtasks = [], plan } = task;
    if (!isTemplate(task) || subtasks.length === 0 || plan !== undefined) return undefined;
    let inside = this.#inside.get(index);
    if (inside === undefined) {
      const implicit = this.implicitFor(index);
      inside = new InputShapes(new Graph(subtasks, true), { outer: this, implicit });
      this.#inside.set(index, inside);
    }
    return inside;
  }

  /** What each item of a fan-out, or each iteration of a loop, gets besides dependencies. */
  implicitFor(index: number): ImplicitInputs {
    const { forEach, repeat } = this.graph.taskOf(index);
    if (forEach === undefined && repeat === undefined) return this.implicit;
    const number = (path: Path) => follow(NUMBER, path);
    const implicit = new Map(this.implicit);
    if (forEach !== undefined) {
      implicit.set('item', (path) => follow(this.#itemShape(index), path));
      implicit.set('index', number);
    }
    if (repeat !== undefined) {
      implicit.set('previous', (path) => this.outputAt(index, path));
      implicit.set('iteration', number);
    }
    return implicit;
  }

  #shapesOf(plan: ModulePlan): InputShapes {
    let shapes = this.#modules.get(plan);
    if (shapes === undefined) {
      const graph = new Graph(
        plan.tasks.map((task) => connectable(task)),
        true,
      );
      const planInputs = isStandardSchema(plan.inputs) ? plan.inputs : undefined;
      shapes = new InputShapes(graph, { planInputs, depth: this.#depth + 1 });
      this.#modules.set(plan, shapes);
    }
    return shapes;
  }

  /** The result of a module by its name, or a part of it. */
  #moduleOutputAt(plan: ModulePlan, [name, ...rest]: Path): Shape | Missing {
    if (name === undefined || plan === UNKNOWN_MODULE) return ANYTHING;
    if (this.#depth >= MAX_MODULES) return ANYTHING;
    const { outputs } = plan;
    const shapes = this.#shapesOf(plan);
    const { graph } = shapes;
    const key = String(name);
    if (outputs === undefined || Array.isArray(outputs)) {
      const ids = outputs ?? finalIdsOf(graph);
      return ids.includes(key) ? shapes.at(key, rest) : { step: key, names: ids };
    }
    const source = Object.hasOwn(outputs, key)
      ? (outputs as Readonly<Record<string, string>>)[key]
      : undefined;
    if (source === undefined) return { step: key, names: Object.keys(outputs) };
    const isKnown = (id: string) => graph.indexOf(id) !== undefined || id === PLAN_INPUTS;
    const [first, ...others] = parseSource(source, isKnown);
    if (typeof first === 'string' || others.length > 0) return follow(TEXT, rest);
    return first?.id === undefined ? ANYTHING : shapes.at(first.id, [...first.path, ...rest]);
  }

  /** Whether any task of the graph or around it is a loop. */
  get hasLoops(): boolean {
    return this.graph.hasKind(TaskKind.repeat) || (this.#outer?.hasLoops ?? false);
  }

  /** Whether a task, or one outside of the graph, is a loop. */
  isLoop(id: string): boolean {
    const index = this.graph.indexOf(id);
    if (index === undefined) return this.#outer?.isLoop(id) ?? false;
    const { repeat, forEach } = this.graph.taskOf(index);
    return repeat !== undefined && forEach === undefined;
  }

  /** Whether this is the name of something that a loop tells besides its output. */
  isFact(id: string): boolean {
    const { loop } = parseLoopFact(id) ?? {};
    return loop !== undefined && this.isLoop(loop);
  }

  /** The shape of what a loop tells besides its output. */
  #factAt(id: string, path: Path): Shape | Missing | undefined {
    if (!this.isFact(id)) return undefined;
    return follow(parseLoopFact(id)?.fact === 'ending' ? ENDING : NUMBER, path);
  }

  /** The item that each task of a fan-out gets. */
  #itemShape(index: number): Shape {
    const { forEach, dependencies = [] } = this.graph.taskOf(index);
    const items = isRecord(forEach) ? forEach.items : forEach;
    const isPlanInputs = (name: string) => name === PLAN_INPUTS && this.planInputs !== undefined;
    const has = (name: string) =>
      dependencies.includes(name) || this.implicit.has(name) || isPlanInputs(name);
    const reference = typeof items === 'string' ? parseReference(items, has) : undefined;
    if (reference === undefined) return ANYTHING;
    const list = this.at(reference.id, reference.path);
    return 'step' in list ? ANYTHING : itemsOf(list);
  }
}

/** The tasks that no other one builds upon, by id. */
function finalIdsOf(graph: Graph): string[] {
  const ids: string[] = [];
  for (let index = 0; index < graph.size; index++) {
    const runsAfter = (each: number) => (graph.kindOf(each) & TaskKind.afterAny) !== 0;
    let isFinal = graph.parentOf(index) === undefined && !runsAfter(index);
    graph.eachDependent(index, (dependent) => {
      if (!runsAfter(dependent)) isFinal = false;
    });
    if (isFinal) ids.push(graph.taskOf(index).id);
  }
  return ids;
}

function outputShapeOf({ outputSchema, waitFor }: Task): Shape {
  if (waitFor !== undefined && waitOf(waitFor).kind === 'approval')
    return shapeOf({ type: 'boolean' });
  const schema = outputSchema && jsonSchemaOf(outputSchema);
  return schema === undefined ? ANYTHING : shapeOf(schema);
}
