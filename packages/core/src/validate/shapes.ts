import { definitionOf } from '../contract/json-schema.js';
import { PLAN_INPUTS, secretsOf } from '../contract/plan-inputs.js';
import type { Path } from '../contract/reference.js';
import { isStandardSchema, jsonSchemaOf, type StandardSchema } from '../contract/schema.js';
import { doesOwnWork, hasSubtasks, type ModulePlan, type Task } from '../contract/task.js';
import { parseSource } from '../contract/template.js';
import { waitOf } from '../contract/wait-for.js';
import { Graph } from '../graph/graph.js';
import { TaskKind } from '../graph/task-kind.js';
import { isRecord } from '../util/record.js';
import { connectable } from './connectable.js';

/** A schema without references and unions, and the schema that its references are in. */
interface Part {
  readonly schema: Readonly<Record<string, unknown>>;
  readonly root: Readonly<Record<string, unknown>>;
}

/** All that may be at a place in an output; an empty schema for a value that nothing is known of. */
export type Shape = readonly Part[];

/** A step of a path that leads nowhere, and the names that would lead on. */
export interface Missing {
  readonly step: string | number;
  readonly names: readonly string[];
}

/** Deeper unions and references are not followed: they may be endless. */
const MAX_DEPTH = 20;

export const ANYTHING: Shape = shapeOf({});
const NUMBER = shapeOf({ type: 'integer' });
const TEXT = shapeOf({ type: 'string' });
/** Plans that contain each other would be followed forever. */
const MAX_MODULES = 20;
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

export function shapeOf(schema: unknown, root = schema, depth = 0): Shape {
  if (schema === false) return [];
  if (!isRecord(schema) || !isRecord(root) || depth > MAX_DEPTH) return [{ schema: {}, root: {} }];
  const { $ref, anyOf, oneOf, allOf, ...own } = schema;
  const shapes = (given: unknown) => shapeOf(given, root, depth + 1);
  if ($ref !== undefined) return shapes(definitionOf($ref, root));
  const options = anyOf ?? oneOf;
  if (Array.isArray(options)) return options.flatMap(shapes);
  if (!Array.isArray(allOf)) return [{ schema: own, root }];
  // Fields of any part may be there; a part that is a union says nothing for sure.
  const parts = [own, ...allOf.flatMap((each) => shapes(each).map((part) => part.schema))];
  const properties = Object.assign({}, ...parts.map((part) => part.properties));
  return [{ schema: { ...Object.assign({}, ...parts), properties }, root }];
}

/** What JSON calls the kinds of values that a schema accepts; undefined for any. */
export function kindsOf({ schema }: Part): readonly string[] | undefined {
  const { type, properties, items } = schema;
  if (type !== undefined) {
    return [type].flat().map((each) => (each === 'integer' ? 'number' : `${each}`));
  }
  const values = valuesOf({ schema, root: schema });
  if (values !== undefined) return values.map(kindOf);
  if (isRecord(properties) && Object.keys(properties).length > 0) return ['object'];
  return items === undefined ? undefined : ['array'];
}

/** The only values that a schema accepts; undefined when there are others. */
export function valuesOf({ schema }: Part): readonly unknown[] | undefined {
  if (Array.isArray(schema.enum)) return schema.enum;
  if (schema.const !== undefined) return [schema.const];
  if (schema.type === 'boolean') return [true, false];
  return schema.type === 'null' ? [null] : undefined;
}

export function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return value === null ? 'null' : typeof value;
}

/** The items of a list. */
export function itemsOf(shape: Shape): Shape {
  return shape.flatMap((part) => stepInto(part, 0));
}

/** What a schema says about the value at a path. */
export function follow(shape: Shape, path: Path): Shape | Missing {
  let current = shape;
  for (const step of path) {
    const next = current.flatMap((part) => stepInto(part, step));
    if (next.length === 0) {
      const names = current.flatMap(({ schema }) => Object.keys(Object(schema.properties)));
      return { step, names };
    }
    current = next;
  }
  return current;
}

function stepInto(part: Part, step: string | number): Shape {
  const { schema, root } = part;
  const kinds = kindsOf(part);
  if (kinds === undefined) return ANYTHING;
  const shapes: Shape[] = [];
  const isIndex = typeof step === 'number' || /^\d+$/.test(step);
  if (kinds.includes('object')) shapes.push(propertyOf(schema, String(step), root));
  if (kinds.includes('array') && isIndex) {
    const { prefixItems, items, additionalItems } = schema;
    const first = Array.isArray(prefixItems) ? prefixItems : items;
    const rest = Array.isArray(prefixItems) ? items : additionalItems;
    const item = Array.isArray(first) && Number(step) >= first.length ? rest : first;
    shapes.push(shapeOf((Array.isArray(item) ? item[Number(step)] : item) ?? {}, root));
  }
  if (kinds.includes('string') && isIndex) shapes.push(shapeOf({ type: 'string' }));
  const hasLength = kinds.includes('array') || kinds.includes('string');
  if (hasLength && step === 'length') shapes.push(NUMBER);
  return shapes.flat();
}

/** A field that is not declared counts as missing, unless others are explicitly allowed. */
function propertyOf(schema: Part['schema'], name: string, root: Part['root']): Shape {
  const { properties, additionalProperties, patternProperties } = schema;
  if (isRecord(properties) && Object.hasOwn(properties, name))
    return shapeOf(properties[name], root);
  if (patternProperties !== undefined || additionalProperties === true) return ANYTHING;
  if (additionalProperties !== undefined) return shapeOf(additionalProperties, root);
  return isRecord(properties) ? [] : ANYTHING;
}

/** The shapes of the inputs of tasks, as far as schemas tell. */
export class InputShapes {
  readonly #graph: Graph;
  readonly #outer: InputShapes | undefined;
  /** That of `item` in the tasks of a fan-out. */
  readonly item: Shape;
  /** That of the inputs of the plan; undefined for a plan without inputs. */
  readonly planInputs: Shape | undefined;
  /** The names of its secret inputs. */
  readonly secrets: readonly string[];

  /** How many modules are around; more than a few are not followed. */
  readonly #depth: number;
  readonly #modules = new Map<ModulePlan, InputShapes>();

  /**
   * @param outer Those around a fan-out whose subtasks are the graph.
   * @param planInputs The inputs of the plan.
   */
  constructor(
    graph: Graph,
    outer?: InputShapes,
    item = ANYTHING,
    planInputs?: StandardSchema,
    depth = 0,
  ) {
    this.#graph = graph;
    this.#depth = outer === undefined ? depth : outer.#depth;
    this.#outer = outer;
    this.item = item;
    this.planInputs = planInputs ? shapeOf(jsonSchemaOf(planInputs)) : outer?.planInputs;
    this.secrets = planInputs ? secretsOf(planInputs) : (outer?.secrets ?? []);
  }

  /** The shape of an output, or of a part of it. */
  at(id: string, path: Path): Shape | Missing {
    if (id === PLAN_INPUTS && this.planInputs !== undefined) return follow(this.planInputs, path);
    const index = this.#graph.indexOf(id);
    if (index === undefined) return this.#outer?.at(id, path) ?? ANYTHING;
    const task = this.#graph.taskOf(index);
    if (task.forEach !== undefined) {
      const found = follow(shapeOf(ITEM_RESULTS), path);
      const [, field, ...rest] = path;
      return 'step' in found || field !== 'output' ? found : this.#outputAt(task, index, rest);
    }
    return this.#outputAt(task, index, path);
  }

  #outputAt(task: Task, index: number, path: Path): Shape | Missing {
    if (task.plan !== undefined) return this.#moduleOutputAt(task.plan, path);
    if (!hasSubtasks(task) || doesOwnWork(task)) return follow(outputShapeOf(task), path);
    const [name, ...rest] = path;
    // The subtasks of a fan-out are not in the graph.
    if (name === undefined || task.forEach !== undefined) return ANYTHING;
    const subtask = this.#graph.indexOf(String(name));
    if (subtask !== undefined && this.#graph.parentOf(subtask) === index) {
      return this.at(String(name), rest);
    }
    return { step: name, names: (task.subtasks ?? []).map(({ id }) => id) };
  }

  #shapesOf(plan: ModulePlan): InputShapes {
    let shapes = this.#modules.get(plan);
    if (shapes === undefined) {
      const graph = new Graph(
        plan.tasks.map((task) => connectable(task)),
        true,
      );
      const planInputs = isStandardSchema(plan.inputs) ? plan.inputs : undefined;
      shapes = new InputShapes(graph, undefined, ANYTHING, planInputs, this.#depth + 1);
      this.#modules.set(plan, shapes);
    }
    return shapes;
  }

  /** The result of a module by its name, or a part of it. */
  #moduleOutputAt(plan: ModulePlan, [name, ...rest]: Path): Shape | Missing {
    if (name === undefined || this.#depth >= MAX_MODULES) return ANYTHING;
    const { outputs } = plan;
    const shapes = this.#shapesOf(plan);
    const graph = shapes.#graph;
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
