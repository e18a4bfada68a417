import { OptionError } from '@stratagem/core';

/** What a prompt template may have places for. */
export const PLACES = ['goal', 'rules', 'tools', 'models', 'examples'] as const;
export type Place = (typeof PLACES)[number];

const PLACE = /\{\{\s*([^{}]*?)\s*\}\}/g;

/** @throws {OptionError} when it has no place for the goal, or one for something unknown. */
export function checkTemplate(owner: string, template: string): void {
  if (typeof template !== 'string')
    throw new OptionError(`${owner}: promptTemplate must be a text`);
  const names = Array.from(template.matchAll(PLACE), ([, name]) => name as string);
  const unknown = names.find((name) => !(PLACES as readonly string[]).includes(name));
  if (unknown !== undefined) {
    const known = PLACES.map((place) => `{{${place}}}`).join(', ');
    throw new OptionError(
      `${owner}: promptTemplate has {{${unknown}}}, which is nothing; it may have ${known}`,
    );
  }
  if (names.includes('goal')) return;
  throw new OptionError(`${owner}: promptTemplate must have {{goal}}, the place for the goal`);
}

/** The template with its places filled; what is put in is not read again. */
export function fillTemplate(template: string, parts: Readonly<Record<Place, string>>): string {
  return template.replace(PLACE, (_, name: Place) => parts[name]);
}
