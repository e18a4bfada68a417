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

/** Puts a name into a template. */
export function named(template: string, { file, value, type }: Names): string {
  return template
    .replaceAll('my-part', file)
    .replaceAll('myPart', value)
    .replaceAll('MyPart', type);
}
