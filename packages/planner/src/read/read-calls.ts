/** `2. search("x")`, as LLMCompiler writes it; the number may be missing before the last step. */
const CALL = /^\s*(?:[-*]\s+)?(\d{1,4})[.):]\s*`?([A-Za-z_][\w.-]*)\((.*)\)`?\s*(?:#.*)?$/s;
const CALL_START = /^\s*(?:[-*]\s+)?\d{1,4}[.):]\s*`?[A-Za-z_][\w.-]*\(/;
/** `#E1 = Search[query]`, as ReWOO writes it. */
const EVIDENCE = /^\s*#?(E\d{1,4})\s*[=:]\s*([A-Za-z_][\w.-]*)\s*[[(](.*)[\])]\s*$/s;
const EVIDENCE_START = /^\s*#?E\d{1,4}\s*[=:]\s*[A-Za-z_][\w.-]*\s*[[(]/;
const ITEM = /^\s*(?:[-*]\s+)?#?E?\d{1,4}[.):=]/;
const PLAN_LINE =
  /^\s*(?:[-*]\s+)?(?:\*\*)?(?:plan|thought|step)(?:\s*\d+)?(?:\*\*)?\s*:\s*(?:\*\*)?\s*(.*)$/i;
const END = /^\s*(?:<\/?plan>|```\w*|-{3,})\s*$/i;
/** The last step of LLMCompiler, which receives all outputs. */
const JOIN = /^(?:join|finish|joinner|join_finish)$/i;
const JOIN_TEXT = 'Combine the outputs of all previous tasks into the answer.';

/** The most lines that the arguments of one call may have. */
const MAX_LINES = 50;

/** How a list of calls refers to the output of another. */
const CALL_REFERENCE = /\$\{(\d{1,4})\}|\$(\d{1,4})(?![\d.,]*\d)/g;
const EVIDENCE_REFERENCE = /#(E\d{1,4})\b/g;

interface Call {
  readonly id: string;
  readonly name: string;
  readonly args: string;
  readonly thought: string;
}

/** Reads a plan that is a list of calls: `1. search("x")`, with `$1` for the output of a call. */
export function readCalls(text: string, toolNames: readonly string[]): unknown {
  const calls = callsIn(text);
  if (calls === undefined || calls.length < 2) return undefined;
  const ids = calls.map(({ id }) => id);
  if (new Set(ids).size < ids.length) return undefined;
  const tasks = calls.map((call) => toTask(call, ids, toolNames));
  return tasks.includes(undefined) ? undefined : { tasks };
}

/** The calls of a text; undefined when it has other lines than calls and thoughts. */
function callsIn(text: string): Call[] | undefined {
  const calls: Call[] = [];
  let thought: string[] = [];
  let hasBegun = false;
  const lines = text.replaceAll('<END_OF_PLAN>', '').split('\n');
  for (let at = 0; at < lines.length; at++) {
    let line = lines[at] as string;
    if (line.trim() === '' || END.test(line)) continue;
    const isStart = CALL_START.test(line) || EVIDENCE_START.test(line);
    // The arguments of a call may have several lines.
    const end = isStart ? Math.min(lines.length, at + MAX_LINES) : 0;
    for (let more = at + 1; more < end && matchCall(line) === undefined; more++) {
      if (CALL_START.test(lines[more] as string)) break;
      line += `\n${lines[more]}`;
      if (matchCall(line) !== undefined) at = more;
    }
    const found = matchCall(line);
    if (found !== undefined) {
      hasBegun = true;
      calls.push({ ...found, thought: thought.join('\n') });
      thought = [];
      continue;
    }
    const [, said] = PLAN_LINE.exec(line) ?? [];
    if (said !== undefined) {
      if (said !== '') thought.push(said.trim());
    } else if (thought.length > 0) thought.push(line.trim());
    // Another item of the list is no call, so that reading the rest would lose it.
    else if (hasBegun || ITEM.test(line)) return undefined;
  }
  return thought.length > 0 && calls.length > 0 ? undefined : calls;
}

function matchCall(line: string): Omit<Call, 'thought'> | undefined {
  const [, id, name, args] = CALL.exec(line) ?? EVIDENCE.exec(line) ?? [];
  if (id === undefined || name === undefined || args === undefined) return undefined;
  return areBalanced(args) ? { id, name, args: args.trim() } : undefined;
}

/** Whether the brackets of arguments close in order: a line may hold two calls otherwise. */
function areBalanced(args: string): boolean {
  let depth = 0;
  for (const [token] of args.matchAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[()[\]]/gs)) {
    if (token.length > 1) continue;
    depth += '(['.includes(token) ? 1 : -1;
    if (depth < 0) return false;
  }
  return depth === 0;
}

function toTask(
  { id, name, args, thought }: Call,
  ids: readonly string[],
  tools: readonly string[],
) {
  const before = ids.slice(0, ids.indexOf(id));
  if (JOIN.test(name)) {
    const description = [JOIN_TEXT, thought, args].filter((part) => part !== '').join('\n\n');
    return { id, description, type: 'join', dependencies: before };
  }
  const needs = [
    ...[...args.matchAll(CALL_REFERENCE)].map(([, braced, bare]) => (braced ?? bare) as string),
    ...[...args.matchAll(EVIDENCE_REFERENCE)].map(([, evidence]) => evidence as string),
  ].filter((need) => /^E/.test(need) === /^E/.test(id));
  // A call that refers to itself or to a later one is no plan; `$5` may also be an amount of money.
  if (needs.some((need) => !before.includes(need))) return undefined;
  const work = args
    .replace(CALL_REFERENCE, (written, braced, bare) => toReference(braced ?? bare, needs, written))
    .replace(EVIDENCE_REFERENCE, (written, evidence) => toReference(evidence, needs, written));
  const call = `${name}(${work})`;
  const isTool = tools.includes(name) || (tools.length > 0 && !isModel(name));
  return {
    id,
    description: thought === '' ? call : `${thought}\n\n${call}`,
    ...(isTool && { tools: [name] }),
    dependencies: [...new Set(needs)],
  };
}

function toReference(id: string, needs: readonly string[], written: string): string {
  return needs.includes(id) ? `{{${id}}}` : written;
}

/** ReWOO calls the model itself like a tool. */
function isModel(name: string): boolean {
  return /^(?:llm|model|gpt)$/i.test(name);
}
