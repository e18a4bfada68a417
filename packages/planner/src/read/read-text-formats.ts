import { type FoundTaskList, findTaskList } from './find-task-list.js';
import { readCalls } from './read-calls.js';
import { readNumberedList } from './read-numbered-list.js';
import { readXml } from './read-xml.js';
import { readYaml } from './read-yaml.js';

/** Longer texts are sent back, unless they are JSON. */
const MAX_LENGTH = 40_000;
const FENCE = /^[ \t]*```[ \t]*([\w-]*)[^\n]*\n([\s\S]*?)^[ \t]*```[ \t]*$/gm;
/** A key of a mapping or an item of a list in the block style of YAML. */
const BLOCK_STYLE =
  /^[ \t]*(?:-[ \t]+)?["']?[\p{L}_][\p{L}\p{N}_ -]{0,60}["']?[ \t]{0,4}:(?:[ \t]|$)/mu;
const LIST_ITEM = /^[ \t]*-[ \t]/m;
const ELLIPSIS_LINE = /^[ \t]*(?:#|-|\/\/|<!--)?[ \t]*(?:\.\.\.|…)/m;

/** The plan of an answer that is not JSON. */
export interface TextReading {
  readonly found: FoundTaskList;
  /** `YAML`, `XML`, … */
  readonly format: string;
  /** The text around the plan, which may contain another one. */
  readonly rest?: string | undefined;
}

/** Why a text with a plan cannot be read. */
export type TextProblem = 'cut off' | 'several plans';

/** Reads YAML, which comes before JSON: a list in YAML may contain pieces of JSON. */
export function readYamlPlan(text: string): TextReading | TextProblem | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const fenced = [...text.matchAll(FENCE)].map(([, language = '', content = '']) => {
    return /^(?:ya?ml)?$/i.test(language) ? content : '';
  });
  const candidates = fenced.some((content) => looksLikeYaml(content))
    ? fenced.filter((content) => looksLikeYaml(content))
    : blocksIn(text);
  const plans = new Map<string, FoundTaskList>();
  for (const candidate of candidates) {
    const found = planIn(readYaml(candidate));
    if (found === undefined) continue;
    if (ELLIPSIS_LINE.test(candidate)) return 'cut off';
    plans.set(JSON.stringify(found.list), found);
    if (fenced.length === 0) break;
  }
  if (plans.size > 1) return 'several plans';
  const [found] = plans.values();
  if (found === undefined) return undefined;
  // Without a fence, the whole text is the plan.
  const rest =
    fenced.length === 0 ? '' : candidates.reduce((all, each) => all.replace(each, ''), text);
  return { found, format: 'YAML', rest };
}

/** The text without the prose before and after a block of YAML, most of it first. */
function blocksIn(text: string): string[] {
  const isFenced = /^[ \t]*```/m.test(text);
  if (isFenced || !looksLikeYaml(text)) return [];
  const lines = text.split('\n');
  const isBlock = (line: string) => /^(?:---|[\w"'][\w "'-]*:\s*$|-\s)/.test(line);
  const first = lines.findIndex(isBlock);
  const rest = lines.slice(Math.max(0, first)).join('\n');
  const paragraphs = rest.split(/\n\s*\n/);
  // Only prose may be left out: a part of the list would be lost otherwise.
  const shorter = [1, 2].flatMap((count) => {
    const isProse = !/^(?:[ \t]+|-[ \t])\S/m.test(paragraphs.slice(-count).join('\n'));
    return isProse ? [paragraphs.slice(0, -count).join('\n\n')] : [];
  });
  return [text, rest, ...shorter].filter((each) => each.trim() !== '');
}

function looksLikeYaml(text: string): boolean {
  return (
    BLOCK_STYLE.test(text) &&
    !/^\s*[{[<]/.test(text) &&
    (LIST_ITEM.test(text) || /^\s+\S/m.test(text))
  );
}

/** Reads a list of calls, whose arguments may contain JSON. */
export function readCallsPlan(text: string, toolNames: readonly string[]): TextReading | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const found = planIn(readCalls(text, toolNames));
  return found && { found, format: 'a list of calls' };
}

/** Reads XML and numbered lists. */
export function readOtherPlan(text: string): TextReading | TextProblem | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const readings: readonly (readonly [format: string, read: (text: string) => unknown])[] = [
    ['XML', readXml],
    ['a numbered list', readNumberedList],
  ];
  for (const [format, read] of readings) {
    const found = planIn(read(text));
    if (found === undefined) continue;
    return ELLIPSIS_LINE.test(text) ? 'cut off' : { found, format };
  }
  return undefined;
}

function planIn(value: unknown): FoundTaskList | undefined {
  const found = findTaskList(value);
  return found !== undefined && found.list.length > 0 ? found : undefined;
}
