import type { ParsedTask } from './parsed-task.js';
import { splitReferences } from './reference-text.js';
import type { ReferenceResolver } from './resolve-reference.js';

/** How other planning formats refer to the output of a task inside a text. */
const MARKS =
  /\$\{([^{}$]{1,200})\}|\$([A-Za-z_][\w-]*(?:\.\w+)?)|<GENERATED>-(\d+)|<(?:node|resource)-(\d+)>|#(E\d+)\b|(?<![{\\$])\{([^{}":,]{1,100})\}(?!\})/g;
/** The part of an output that a mark may name; outputs are texts. */
const PART = /\.(?:outputs?|results?|response|answer|content|text|data|value)$/i;

/** A text in which the marks of other formats have the syntax of core, `{{id}}`. */
export function rewriteMarks(
  text: string,
  task: ParsedTask,
  resolver: ReferenceResolver,
  rewrite: (written: string, target: ParsedTask) => string,
): string {
  return text.replace(MARKS, (written, ...groups: (string | undefined)[]) => {
    const [braced, word, generated, node, evidence, single] = groups;
    const name = (braced ?? word ?? generated ?? evidence ?? single)?.trim();
    const target =
      node === undefined
        ? findMarked(name as string, task, resolver)
        : (resolver.findById(node, task) ?? resolver.findNode(Number(node)));
    if (target === undefined || target === task) return written;
    return rewrite(written, target);
  });
}

function findMarked(name: string, task: ParsedTask, resolver: ReferenceResolver) {
  const id = name.replace(PART, '');
  return (
    resolver.findById(name, task) ??
    resolver.findById(id, task) ??
    // `#E1` is also used for the task 1.
    (/^E\d+$/.test(id) ? resolver.findById(id.slice(1), task) : undefined)
  );
}

const TASK_WORD = '(?:tasks?|steps?|subtasks?|nodes?)';
const NUMBERS =
  '#?\\d{1,4}(?:\\.\\d{1,4})*(?:(?:\\s*[,&]\\s*(?:and\\s+)?|\\s+and\\s+|\\s*-\\s*|\\s+to\\s+|\\s+through\\s+)(?:tasks?\\s+|steps?\\s+)?#?\\d{1,4}(?:\\.\\d{1,4})*)*';
/** Phrases that say which tasks come first: `using the results of steps 1 and 2`. */
const PHRASE = new RegExp(
  '\\b(?:depend(?:s|ent|ing)?\\s+(?:up)?on:?|(?:outputs?|results?|findings|answers?)\\s+(?:of|from)|' +
    `based\\s+on|after|once)\\s+(?:the\\s+)?${TASK_WORD}\\s+(${NUMBERS})`,
  'gi',
);

/** The references that a text states in words: `depends on task 1`, `the results of steps 1 and 2`. */
export function statedReferences(text: string): string[] {
  return [...text.matchAll(PHRASE)].flatMap(([, list = '']) => {
    const bare = list.replace(/(?:tasks?|steps?|#)\s*(?=\d)/gi, '');
    return splitReferences(`steps ${bare}`) ?? [bare];
  });
}

/** The words of a text that may be references: `output of clean_data`, `"a"`, `task 2`. */
export function candidatesIn(text: string): string[] {
  const named = [
    ...text.matchAll(
      /\b(?:tasks?|steps?|subtasks?|nodes?|outputs? of|results? of|from)\s+["'`#]?([\p{L}\p{N}_.-]*[\p{L}\p{N}_])/giu,
    ),
  ];
  const quoted = [...text.matchAll(/["'`]([\p{L}\p{N}_. -]{1,60})["'`]/gu)];
  const tokens = text.match(/[\p{L}\p{N}]+(?:[_-][\p{L}\p{N}]+)+|\p{L}+\d+/gu) ?? [];
  const words = [...named, ...quoted].map(([, word = '']) => word);
  return [...words, ...tokens].flatMap((word) => [word, word.replace(PART, '')]);
}

/** Whether a text may refer to tasks that are not known yet. */
export function mayRefer(text: string): boolean {
  return text.search(MARKS) !== -1 || text.search(PHRASE) !== -1;
}

/** Whether a text begins with a mark, so that `rewriteMarks` reads it. */
export function isMark(text: string): boolean {
  return /^\s*(?:\$|\{|<(?:GENERATED|node|resource)\b|#E\d)/.test(text);
}

/** Whether a text is short enough to be a reference. */
export function mayBeReference(text: string): boolean {
  return text.length <= 1_000;
}
