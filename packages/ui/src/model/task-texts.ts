import type { Citation, RunEvent, Task } from '@stratagem/core';
import type { RunAnalysis, TaskAnalysis } from '@stratagem/core/analysis';
import type { SourceLink, TaskDetail, ToolStep, WaitingCall } from './run-model.js';
import { cut, oneLine, valueText } from './texts.js';

/** Text of an attempt beyond this many letters is not kept; its task has the whole output. */
const MOST_PARTIAL = 200_000;
/** Letters of a prompt in the table of tasks. */
const PROMPT_LINE = 160;

/** The texts of tasks: prompts, questions, outputs, and what attempts in flight have written. */
export class TaskTexts {
  readonly #outputs = new Map<string, unknown>();
  readonly #citations = new Map<string, readonly Citation[]>();
  readonly #partial = new Map<string, string>();
  readonly #questions = new Map<string, string>();
  /** The calls of tools that wait for an approval, by the task and by the key of the call. */
  readonly #calls = new Map<string, Map<string, WaitingCall>>();
  /** The first lines of the prompts of tasks that have started: those do not change. */
  readonly #lines = new Map<string, string>();

  add(event: RunEvent): void {
    switch (event.type) {
      case 'task_started':
        this.#partial.delete(event.taskId);
        break;
      case 'task_output': {
        if (event.kind !== 'text') break;
        const text = this.#partial.get(event.taskId) ?? '';
        if (text.length < MOST_PARTIAL) this.#partial.set(event.taskId, text + event.text);
        break;
      }
      case 'task_waiting':
        this.#questions.set(event.taskId, event.question);
        break;
      case 'tool_approval_requested': {
        const { taskId, key, callId, tool, input } = event;
        const calls = this.#calls.get(taskId) ?? new Map();
        this.#calls.set(taskId, calls);
        calls.set(key, { callId, tool, input: cut(valueText(input), 4_000).text });
        break;
      }
      case 'tool_approval_decided':
        this.#calls.get(event.taskId)?.delete(event.key);
        break;
      case 'task_retrying':
      case 'task_failed':
      case 'task_canceled':
      case 'task_skipped':
        this.#calls.delete(event.taskId);
        break;
      case 'task_completed':
        this.#calls.delete(event.taskId);
        this.#partial.delete(event.taskId);
        this.#outputs.set(event.taskId, event.output);
        this.#citations.set(event.taskId, event.citations ?? []);
    }
  }

  questionOf(taskId: string): string | undefined {
    const question = this.#questions.get(taskId);
    return question === undefined ? undefined : cut(question, 4_000).text;
  }

  /** The calls of a task that wait for an approval; undefined without any. */
  callsOf(taskId: string): readonly WaitingCall[] | undefined {
    const calls = this.#calls.get(taskId);
    return calls === undefined || calls.size === 0 ? undefined : [...calls.values()];
  }

  promptLine(run: RunAnalysis, { id, task, startMs }: TaskAnalysis): string {
    const known = this.#lines.get(id);
    if (known !== undefined) return known;
    const written = this.#questions.get(id) ?? descriptionOf(task);
    if (startMs === undefined) return oneLine(written, PROMPT_LINE);
    const line = oneLine(this.#questions.get(id) ?? run.promptOf(id) ?? written, PROMPT_LINE);
    this.#lines.set(id, line);
    return line;
  }

  /** @param limit The most letters of each text. */
  detail(run: RunAnalysis, taskId: string, limit: number): TaskDetail | undefined {
    const analysis = run.task(taskId);
    if (analysis === undefined) return undefined;
    const { id, task, attempts, startMs } = analysis;
    // As it was sent; before it starts, as it was written.
    const prompt = startMs === undefined ? undefined : run.promptOf(id);
    const question = this.#questions.get(id);
    const partial = this.#partial.get(id);
    return {
      prompt: cut(prompt ?? descriptionOf(task), limit),
      ...(this.#outputs.has(id) && { output: cut(valueText(this.#outputs.get(id)), limit) }),
      ...(partial !== undefined && { partial: cut(partial, limit) }),
      ...(question !== undefined && { question: cut(question, limit) }),
      steps: attempts.flatMap(({ attempt, tools }) =>
        tools.map((step) => toolStep(attempt, step, limit)),
      ),
      ...sourcesOf(this.#citations.get(id) ?? []),
    };
  }
}

/** Each source once. Only addresses of the web can be opened. */
function sourcesOf(citations: readonly Citation[]): Pick<TaskDetail, 'sources'> {
  const sources = new Map<string, SourceLink>();
  for (const { url, title } of citations) {
    const isWeb = url !== undefined && /^https?:\/\//i.test(url);
    const link = { title: oneLine(title ?? url ?? '', 200), ...(isWeb && { url }) };
    const key = url ?? link.title;
    if (!sources.has(key)) sources.set(key, link);
  }
  return sources.size === 0 ? {} : { sources: [...sources.values()] };
}

type Tool = TaskAnalysis['attempts'][number]['tools'][number];

function toolStep(attempt: number, step: Tool, limit: number): ToolStep {
  const { tool, input, startMs, endMs, ok, output, message } = step;
  const result = output === undefined ? message : valueText(output);
  return {
    ...{ tool, attempt, at: startMs, input: cut(valueText(input), 2_000).text },
    ...(endMs !== undefined && { durationMs: endMs - startMs }),
    ...(ok !== undefined && { ok }),
    ...(result !== undefined && { result: cut(result, limit) }),
  };
}

function descriptionOf({ description, prompt, run, tool, command }: Task): string {
  if (description !== undefined) return description;
  if (tool !== undefined) return `Calls ${typeof tool === 'string' ? tool : tool.name}`;
  if (command !== undefined) {
    const argv = 'argv' in command ? command.argv : command;
    return `Runs ${argv.join(' ')}`;
  }
  return prompt !== undefined || run !== undefined ? '(a function)' : '';
}
