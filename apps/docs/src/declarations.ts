import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { root } from './pages.js';

/** What a TypeScript file of this repository declares, with its doc comments. */

export interface Member {
  readonly name: string;
  readonly type: string;
  readonly isOptional: boolean;
  readonly doc: string;
  readonly byDefault: string | undefined;
}

export interface Declaration {
  readonly name: string;
  readonly doc: string;
  readonly members: readonly Member[];
  /** The names of what it extends or joins. */
  readonly bases: readonly string[];
  /** The names that it is a union of. */
  readonly parts: readonly string[];
}

/** The interfaces and the object types of a file, by name. */
export function declarationsOf(file: string): ReadonlyMap<string, Declaration> {
  const source = sourceOf(file);
  const found = new Map<string, Declaration>();
  for (const node of source.statements) {
    if (ts.isInterfaceDeclaration(node)) {
      const bases = (node.heritageClauses ?? [])
        .flatMap(({ types }) => [...types])
        .map(({ expression }) => expression.getText(source));
      found.set(node.name.text, declaration(source, node, node.members, bases));
    } else if (ts.isTypeAliasDeclaration(node)) {
      const { type } = node;
      const isJoined = ts.isIntersectionTypeNode(type) || ts.isUnionTypeNode(type);
      const parts = isJoined ? [...type.types] : [type];
      const members = parts.filter(ts.isTypeLiteralNode).flatMap((each) => [...each.members]);
      const bases = ts.isIntersectionTypeNode(type)
        ? parts.filter(ts.isTypeReferenceNode).map((each) => each.typeName.getText(source))
        : [];
      found.set(node.name.text, declaration(source, node, members, bases));
    }
  }
  return found;
}

/** The members of a declaration and of what it extends, as far as the file declares it. */
export function allMembersOf(
  declarations: ReadonlyMap<string, Declaration>,
  name: string,
): readonly Member[] {
  const found = declarations.get(name);
  if (found === undefined) return [];
  return [...found.bases.flatMap((base) => allMembersOf(declarations, base)), ...found.members];
}

/** The texts of a union of literals or of an array of them, each with its comment. */
export function literalsOf(file: string, name: string): ReadonlyMap<string, string> {
  const source = sourceOf(file);
  const found = new Map<string, string>();
  for (const node of source.statements) {
    if (ts.isTypeAliasDeclaration(node) && node.name.text === name && ts.isUnionTypeNode(node.type))
      for (const each of node.type.types) {
        if (ts.isLiteralTypeNode(each) && ts.isStringLiteral(each.literal))
          found.set(each.literal.text, commentBefore(source, each));
      }
    if (!ts.isVariableStatement(node)) continue;
    for (const { name: variable, initializer } of node.declarationList.declarations) {
      if (variable.getText(source) !== name || initializer === undefined) continue;
      const list = ts.isAsExpression(initializer) ? initializer.expression : initializer;
      if (!ts.isArrayLiteralExpression(list)) continue;
      for (const each of list.elements) {
        if (ts.isStringLiteral(each)) found.set(each.text, commentBefore(source, each));
      }
    }
  }
  if (found.size === 0) throw new Error(`${file}: there are no literals of ${name}`);
  return found;
}

function sourceOf(file: string): ts.SourceFile {
  const text = readFileSync(join(root, file), 'utf8');
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
}

function declaration(
  source: ts.SourceFile,
  node: ts.InterfaceDeclaration | ts.TypeAliasDeclaration,
  members: readonly ts.TypeElement[],
  bases: readonly string[],
): Declaration {
  return {
    name: node.name.text,
    doc: docOf(node),
    members: members.filter(ts.isPropertySignature).map((each) => member(source, each)),
    bases,
    parts:
      ts.isTypeAliasDeclaration(node) && ts.isUnionTypeNode(node.type)
        ? node.type.types
            .filter(ts.isTypeReferenceNode)
            .map((each) => each.typeName.getText(source))
        : [],
  };
}

function member(source: ts.SourceFile, node: ts.PropertySignature): Member {
  const tags = ts.getJSDocTags(node).filter(({ tagName }) => tagName.text === 'default');
  const [byDefault] = tags.map((tag) => oneLine(ts.getTextOfJSDocComment(tag.comment) ?? ''));
  const type = oneLine(node.type?.getText(source) ?? 'unknown');
  return {
    name: node.name.getText(source),
    type: node.questionToken === undefined ? type : type.replace(/ \| undefined$/, ''),
    isOptional: node.questionToken !== undefined,
    doc: docOf(node),
    byDefault,
  };
}

function docOf(node: ts.Node): string {
  const docs = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  return oneLine(docs.map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? '').join(' '));
}

function commentBefore(source: ts.SourceFile, node: ts.Node): string {
  const text = source.text.slice(node.getFullStart(), node.getStart(source));
  const [, comment = ''] = /\/\*\*([\s\S]*?)\*\//.exec(text) ?? [];
  return oneLine(comment.replaceAll(/^\s*\*/gm, ''));
}

function oneLine(text: string): string {
  return text
    .replaceAll(/\{@link (\w+)\}/g, '`$1`')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
