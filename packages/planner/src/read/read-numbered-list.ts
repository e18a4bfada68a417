/** `1. Bake the cake`, `**Step 2:** …`, `### Task 3: …`, `- 4) …`, `2.1 …` */
const ITEM =
  /^(\s*)(?:#{1,6}\s+|[-*•]\s+)?(?:\*\*|__)?(?:(?:step|task|subtask)\s*#?\s*(\d{1,3}(?:\.\d{1,3})*|[A-Z])\s*(?:[.:)\]–—-]|\*\*)|\(?(\d{1,3}(?:\.\d{1,3})*|[A-Z])[.)\]:](?=\s|\*\*)|(\d{1,3}(?:\.\d{1,3})+)\s)(?:\*\*|__)?\s*(\S.*)$/i;
const REFERENCE =
  '(?:(?:tasks?|steps?|subtasks?|items?|nos?\\.?|numbers?)\\s*)?#?(?:\\d{1,3}(?:\\.\\d{1,3})*|[A-Z](?![a-z]))';
const JOINT = '(?:\\s?[,;&+–—-]\\s?(?:and\\s)?|\\s(?:(?:and|to|through)\\s)?)';
const NEEDS = `${REFERENCE}(?:${JOINT}${REFERENCE})*`;
const NONE =
  '(?:none|nothing|n/?a|-|–|—|no (?:dependencies|prerequisites)|no other (?:task|step)s?)';
const ALL =
  '(?:all|every)(?: of)?(?: the)?(?: (?:previous|prior|preceding|above|other|earlier))*(?: (?:tasks?|steps?))?';
const PREVIOUS = '(?:the )?previous(?: (?:task|step))?';
const WORDS =
  '(?:depend(?:s|ent|ing)? (?:up)?on|dependenc(?:y|ies)|deps?|prerequisites?|prereqs?|requires?|needs?|blocked by|waits? (?:for|on)|after|follows|based on|builds on|uses(?: outputs? of)?|relies on|predecessors?)';
const VALUE = `(${NONE}|${ALL}|${PREVIOUS}|${NEEDS})`;
/** A clause that can only be about dependencies: in brackets, at the end, or on a line of its own. */
const CLAUSES: readonly RegExp[] = [
  new RegExp(`\\s?[([{]\\s?${WORDS}\\s*(?:on)?\\s*:?\\s*${VALUE}\\s*\\.?\\s*[)\\]}]`, 'gi'),
  new RegExp(
    `[ \\t]?(?:[-–—|;,.][ \\t]?)?\\*{0,2}\\b(?:depend(?:s|ent|ing)? (?:up)?on|dependenc(?:y|ies)|deps|prerequisites?)\\b\\*{0,2}\\s*:?\\*{0,2}\\s*${VALUE}\\s*\\.?\\s*$`,
    'gim',
  ),
  new RegExp(
    `^\\s*[-*•]?\\s*\\*{0,2}${WORDS}\\*{0,2}\\s*:\\*{0,2}\\s*${VALUE}\\s*\\.?\\s*$`,
    'gim',
  ),
  new RegExp(`\\s?(?:<-|<=|←|⇐)\\s*${VALUE}\\s*$`, 'gim'),
];
const NO_DEPENDENCIES =
  /\s?[([]\s*(?:no (?:dependencies|prerequisites)|independent)\s*[)\]]|^\s*[-*•]?\s*no (?:dependencies|prerequisites)\.?\s*$/gim;
/** A word that says something about dependencies, in a form that is not plain. */
const LEFT_OVER =
  /\bdepend(?:s|ent|ing|enc(?:y|ies))?\b|\bprerequisites?\b|\bblocked by\b|\bafter #?\d+\W*$/im;
/** A line like `Type: decision` inside an item. */
const FIELD =
  /^\s*[-*•]?\s*\*{0,2}(id|title|name|description|details|type|tools?|expected output)\*{0,2}\s*:\s*\*{0,2}\s*(.*?)\s*$/i;

interface Item {
  readonly number: string;
  readonly lines: string[];
}

/**
 * Reads a numbered list in plain text whose items say what they depend on. Undefined unless the
 * whole list is plain: the numbers count from 1 or 0, and each clause about dependencies is read.
 */
export function readNumberedList(text: string): unknown {
  const items = itemsIn(text);
  if (items === undefined || !areConsecutive(items)) return undefined;
  const tasks = items.map(toTask);
  if (tasks.includes(undefined)) return undefined;
  const isStated = tasks.some((task) => (task?.dependencies.length ?? 0) > 0);
  return isStated ? { tasks: nest(tasks as ListTask[]) } : undefined;
}

function itemsIn(text: string): Item[] | undefined {
  const items: Item[] = [];
  let isAfterGap = false;
  let isOver = false;
  for (const line of text.replace(/^\s*```\w*\s*$/gm, '').split('\n')) {
    if (line.trim() === '') {
      isAfterGap = true;
      continue;
    }
    const [, indent = '', labelled, plain, nested, rest = ''] = ITEM.exec(line) ?? [];
    const number = labelled ?? plain ?? nested;
    if (number !== undefined && isNext(number, items, indent)) {
      if (isOver) return undefined;
      items.push({ number, lines: [rest.replace(/(?:\*\*|__)\s*$/, '')] });
    } else if (items.length > 0) {
      // Text after a gap is a remark on the list, unless it is indented like a part of the item.
      isOver ||= isAfterGap && indent === '' && !/^\s|^[-*•]/.test(line);
      if (isOver && LEFT_OVER.test(line)) return undefined;
      if (!isOver) items.at(-1)?.lines.push(line.trim());
    }
    isAfterGap = false;
  }
  return items.length < 2 ? undefined : items;
}

/** Whether a number continues the list, so that numbered details of an item do not count. */
function isNext(number: string, items: readonly Item[], indent: string): boolean {
  const last = items.at(-1)?.number;
  if (last === undefined) return /^(?:0|1|A)$/i.test(number);
  if (number.includes('.')) return true;
  const top = last.split('.')[0] as string;
  if (/^\D$/.test(number)) return number.charCodeAt(0) === top.charCodeAt(0) + 1;
  return Number(number) === Number(top) + 1 || (indent === '' && Number(number) > Number(top));
}

/** Whether the numbers of each level count without gaps. */
function areConsecutive(items: readonly Item[]): boolean {
  const counts = new Map<string, number>();
  return items.every(({ number }) => {
    const path = number.split('.');
    const own = path.pop() as string;
    const parent = path.join('.');
    const isLetter = /\D/.test(own);
    const value = isLetter ? own.charCodeAt(0) - 64 : Number(own);
    const last = counts.get(parent);
    counts.set(parent, value);
    if (parent !== '' && !counts.has(path.slice(0, -1).join('.'))) return false;
    return last === undefined ? value <= 1 : value === last + 1;
  });
}

interface ListTask {
  readonly id: string;
  readonly description: string;
  readonly dependencies: readonly string[];
  readonly subtasks: ListTask[];
}

function toTask({ number, lines }: Item): ListTask | undefined {
  const needs: string[] = [];
  let text = lines
    .map((line) => line.replace(/\s+/g, ' '))
    .join('\n')
    .replace(NO_DEPENDENCIES, '');
  for (const clause of CLAUSES) {
    text = text.replace(clause, (_, list: string) => {
      needs.push(list.replace(/\s*(?:[,;&]|\band\b)\s*$/i, '').trim());
      return '';
    });
  }
  if (LEFT_OVER.test(text)) return undefined;
  const fields: Record<string, string> = {};
  const body = text.split('\n').filter((line) => {
    const [, name, value] = FIELD.exec(line) ?? [];
    if (name === undefined || value === undefined || value === '') return true;
    const key = name.toLowerCase();
    if (key in fields) return true;
    fields[key] = value;
    return false;
  });
  const description = body
    .join('\n')
    .replace(/\*\*/g, '')
    .replace(/\s*[:;,–—-]\s*$/, '')
    .trim();
  const { id: written, description: stated, tool, tools = tool, ...others } = fields;
  return {
    ...others,
    id: number,
    ...(written !== undefined && { number: written }),
    ...(tools !== undefined && { tools: tools.split(/\s*,\s*/) }),
    ...(description !== '' && stated !== undefined && { title: description }),
    description: stated ?? description,
    dependencies: needs,
    subtasks: [],
  };
}

/** Puts `2.1` inside `2`. */
function nest(tasks: readonly ListTask[]): ListTask[] {
  const byNumber = new Map(tasks.map((task) => [task.id, task]));
  return tasks.filter((task) => {
    const parent = byNumber.get(task.id.split('.').slice(0, -1).join('.'));
    parent?.subtasks.push(task);
    return parent === undefined;
  });
}
