/** A name in the forms that code and files need. */
export interface Names {
  /** `shortest-first` */
  readonly file: string;
  /** `shortestFirst` */
  readonly value: string;
  /** `ShortestFirst` */
  readonly type: string;
}

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** The forms of a name such as `shortest-first`; undefined when it is not like that. */
export function namesOf(name: string): Names | undefined {
  if (!NAME.test(name)) return undefined;
  const type = name.replace(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  return { file: name, value: type.charAt(0).toLowerCase() + type.slice(1), type };
}

const KEYWORDS =
  'arguments await break case catch class const continue debugger default delete do else enum eval export extends ' +
  'false finally for function if implements import in instanceof interface let new null package private protected ' +
  'public return static super switch this throw true try typeof undefined var void while with yield';

/** Whether code of a template could not use the name: a word of the language, or a name that it has already. */
export function isTaken({ value, type }: Names, templates: readonly string[]): boolean {
  const code = templates.join('\n').replace(/\/\*[\s\S]*?\*\/|\/\/.*|'[^'\n]*'/g, '');
  const words = new Set([...KEYWORDS.split(' '), ...(code.match(/\w+/g) ?? [])]);
  return words.has(value) || words.has(type);
}

/** Puts a name into a template. */
export function named(template: string, { file, value, type }: Names): string {
  return template
    .replaceAll('my-part', file)
    .replaceAll('myPart', value)
    .replaceAll('MyPart', type);
}
