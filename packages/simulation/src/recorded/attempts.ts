import type { RunEvent, Task, TaskError, TaskType, Usage } from '@stratagem/core';

/** An attempt of a recorded run. */
export interface RecordedAttempt {
  readonly type: TaskType;
  readonly durationMs: number;
  /** The mean number of attempts in flight at its resource while it ran, itself included. */
  readonly load: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Undefined when its price was unknown. */
  readonly costUsd: number | undefined;
  /** Why it failed and was repeated; undefined when it succeeded. */
  readonly error: Pick<TaskError, 'code' | 'message' | 'retryAfterMs'> | undefined;
}

/** An attempt in flight. */
interface OpenAttempt {
  readonly type: TaskType;
  readonly resource: string;
  readonly startedAt: number;
  /** The total time in flight at its resource when it started. */
  readonly inFlightMs: number;
}

/** The load of a resource over time. */
interface Load {
  inFlight: number;
  /** The total time that attempts have been in flight. */
  inFlightMs: number;
  updatedAt: number;
}

/** The attempts of a recorded run that ended at a server: those that succeeded, or failed and were repeated. */
export class RecordedAttempts {
  readonly byResource = new Map<string, RecordedAttempt[]>();
  count = 0;
  /** Attempts that failed for good: they are left out. */
  failures = 0;
  readonly #tasks = new Map<string, Task>();
  /** By task. */
  readonly #resources = new Map<string, string>();
  /** By the model that tasks ask for. */
  readonly #resourcesOf = new Map<string | undefined, Set<string>>();
  readonly #open = new Map<string, OpenAttempt>();
  readonly #loads = new Map<string, Load>();
  /** By type and model: plans may have as many tasks as the run had attempts. */
  readonly #usualByKind = new Map<string, string>();
  /** The resource where the events leave it out: that of the first attempt at a server. */
  #usual: string | undefined;

  constructor(events: Iterable<RunEvent>) {
    for (const event of events) this.#add(event);
  }

  /** The resource of a task: as recorded, else the one that most attempts of its type at its model used. */
  resourceOf({ id, type = 'action', model }: Task): string {
    const recorded = this.#resources.get(id);
    const isSame = this.#tasks.get(id)?.model === model;
    if (isSame && recorded !== undefined && this.byResource.has(recorded)) return recorded;
    const kind = `${type} ${model}`;
    let usual = this.#usualByKind.get(kind);
    if (usual === undefined) {
      usual = this.#mostUsed(type, model);
      this.#usualByKind.set(kind, usual);
    }
    return usual;
  }

  /** Of all resources, if the run has no attempt at the model. */
  #mostUsed(type: TaskType, model: string | undefined): string {
    const ofModel = [...(this.#resourcesOf.get(model) ?? [])].filter((each) =>
      this.byResource.has(each),
    );
    let usual = '';
    let most = -1;
    for (const resource of ofModel.length > 0 ? ofModel : this.byResource.keys()) {
      const attempts = this.byResource.get(resource) ?? [];
      const count = attempts.filter((each) => each.type === type).length;
      if (count <= most) continue;
      most = count;
      usual = resource;
    }
    return usual;
  }

  #add(event: RunEvent): void {
    const { timestamp } = event;
    switch (event.type) {
      case 'run_started':
        this.#addTasks(event.plan.tasks);
        break;
      case 'tasks_added':
        this.#addTasks(event.tasks);
        break;
      case 'run_resumed':
        // What was in flight before the crash has no end.
        this.#open.clear();
        this.#loads.clear();
        break;
      case 'task_started':
        this.#start(event.taskId, event.resource, timestamp);
        break;
      case 'task_completed': {
        const { taskId, usage, costUsd, reused, cached } = event;
        const isAnswer = reused === undefined && cached === undefined;
        this.#end(taskId, timestamp, isAnswer ? { usage, costUsd } : undefined);
        break;
      }
      case 'task_retrying': {
        const { taskId, error } = event;
        this.#end(taskId, timestamp, { usage: error.usage, costUsd: error.costUsd, error });
        break;
      }
      case 'task_failed':
        if (this.#open.has(event.taskId)) this.failures++;
        this.#end(event.taskId, timestamp, undefined);
        break;
      case 'task_canceled':
      case 'task_skipped':
        this.#end(event.taskId, timestamp, undefined);
    }
  }

  #addTasks(tasks: readonly Task[]): void {
    for (const task of tasks) {
      this.#tasks.set(task.id, task);
      if (task.subtasks !== undefined) this.#addTasks(task.subtasks);
    }
  }

  #start(taskId: string, named: string | undefined, now: number): void {
    const { type = 'action', tool, command, model } = this.#tasks.get(taskId) ?? {};
    // Tools, commands and functions ask no server.
    if (tool !== undefined || command !== undefined || named === 'function') return;
    this.#usual ??= named ?? 'server';
    const resource = named ?? this.#usual;
    this.#resources.set(taskId, resource);
    const ofModel = this.#resourcesOf.get(model);
    if (ofModel === undefined) this.#resourcesOf.set(model, new Set([resource]));
    else ofModel.add(resource);
    const load = this.#advance(resource, now);
    const { inFlightMs } = load;
    load.inFlight++;
    this.#open.set(taskId, { type, resource, startedAt: now, inFlightMs });
  }

  #end(
    taskId: string,
    now: number,
    outcome: Partial<RecordedAttempt & { usage: Usage | undefined }> | undefined,
  ): void {
    const open = this.#open.get(taskId);
    if (open === undefined) return;
    this.#open.delete(taskId);
    const { type, resource, startedAt } = open;
    const load = this.#advance(resource, now);
    load.inFlight--;
    const durationMs = now - startedAt;
    if (outcome === undefined || durationMs <= 0) return;
    const { usage, costUsd, error } = outcome;
    const attempts = this.byResource.get(resource) ?? [];
    this.byResource.set(resource, attempts);
    this.count++;
    attempts.push({
      ...{ type, durationMs, costUsd },
      load: (load.inFlightMs - open.inFlightMs) / durationMs,
      inputTokens: usage?.inputTokens ?? 0,
      outputTokens: usage?.outputTokens ?? 0,
      error: error && {
        code: error.code,
        message: error.message,
        retryAfterMs: error.retryAfterMs,
      },
    });
  }

  /** Accounts for the time since the last start or end at a resource. */
  #advance(resource: string, now: number): Load {
    let load = this.#loads.get(resource);
    if (load === undefined) {
      load = { inFlight: 0, inFlightMs: 0, updatedAt: now };
      this.#loads.set(resource, load);
    }
    load.inFlightMs += load.inFlight * (now - load.updatedAt);
    load.updatedAt = now;
    return load;
  }
}
