/** What the site and its tests read from a Markdown file: code blocks, links and headings. */

/** A fenced code block. */
export interface CodeBlock {
  /** The language after the fence, such as `ts`; empty without one. */
  readonly language: string;
  readonly code: string;
  /** The line of the opening fence, from 1. */
  readonly line: number;
  /** The last heading before the block. */
  readonly section: string;
  /** Code that the block needs and readers do not, from a comment `<!-- setup … -->` before it. */
  readonly setup: string;
  /** Code that checks or ends what the block has done, from a comment `<!-- after … -->` before it. */
  readonly after: string;
  /** Why the block is not run, from a comment `<!-- not run: reason -->` before it. */
  readonly notRun: string | undefined;
}

export interface Heading {
  readonly level: number;
  readonly text: string;
  /** The anchor that GitHub and the site give it. */
  readonly anchor: string;
}

export interface Link {
  readonly target: string;
  readonly line: number;
}

const FENCE = /^( {0,3})(`{3,}|~{3,})\s*([\w-]*)/;
const COMMENTS_BEFORE = /(?:<!--(?:(?!-->)[\s\S])*-->\s*)+$/;
const SETUP = /<!-- setup\n([\s\S]*?)-->/;
const AFTER = /<!-- after\n([\s\S]*?)-->/;
const NOT_RUN = /<!-- not run: ([\s\S]+?) -->/;

/** Splits a page into lines of prose and fenced blocks. */
function linesOf(page: string): readonly { text: string; line: number; code: boolean }[] {
  let fence: string | undefined;
  return page.split('\n').map((text, index) => {
    const line = index + 1;
    const mark = FENCE.exec(text)?.[2];
    if (fence === undefined) {
      fence = mark;
      return { text, line, code: mark !== undefined };
    }
    if (text.trim() === fence) fence = undefined;
    return { text, line, code: true };
  });
}

export function codeBlocksOf(page: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  const lines = page.split('\n');
  let section = '';
  for (let index = 0; index < lines.length; index++) {
    const text = lines[index] as string;
    const [, title] = /^#{1,6} (.+)$/.exec(text) ?? [];
    if (title !== undefined) section = title;
    const [, indent = '', mark, language = ''] = FENCE.exec(text) ?? [];
    if (mark === undefined) continue;
    const end = lines.findIndex((each, at) => at > index && each.trim() === mark);
    if (end < 0) throw new Error(`line ${index + 1}: the code block has no end`);
    const code = lines
      .slice(index + 1, end)
      .map((each) => `${each.slice(indent.length)}\n`)
      .join('');
    const before = lines.slice(0, index).join('\n');
    const [comments = ''] = COMMENTS_BEFORE.exec(before) ?? [];
    const [, setup = ''] = SETUP.exec(comments) ?? [];
    const [, after = ''] = AFTER.exec(comments) ?? [];
    const [, notRun] = NOT_RUN.exec(comments) ?? [];
    blocks.push({ language, code, line: index + 1, section, setup, after, notRun });
    index = end;
  }
  return blocks;
}

export function headingsOf(page: string): Heading[] {
  const seen = new Map<string, number>();
  const headings: Heading[] = [];
  for (const { text, code } of linesOf(page)) {
    const [, marks, title] = code ? [] : (/^(#{1,6}) (.+?)\s*$/.exec(text) ?? []);
    if (marks === undefined || title === undefined) continue;
    const anchor = anchorOf(title);
    const times = seen.get(anchor) ?? 0;
    seen.set(anchor, times + 1);
    const unique = times === 0 ? anchor : `${anchor}-${times}`;
    headings.push({ level: marks.length, text: title, anchor: unique });
  }
  return headings;
}

/** The anchor that GitHub makes of a title. */
export function anchorOf(title: string): string {
  return title
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/<[^>]+>/g, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');
}

const LINK = /(\]\()([^()\s]+)((?:\s+"[^"]*")?\))|((?:src|srcset|href)=")([^"]+)(")/g;

/** The links and pictures of a page, outside of code. */
export function linksOf(page: string): Link[] {
  const links: Link[] = [];
  replaceLinks(page, (target, line) => {
    links.push({ target, line });
    return target;
  });
  return links;
}

/** The page with another target for each of its links. */
export function replaceLinks(
  page: string,
  replace: (target: string, line: number) => string,
): string {
  return linesOf(page)
    .map(({ text, line, code }) => {
      if (code) return text;
      // Inline code has no links.
      return text
        .split(/(`[^`]*`)/)
        .map((part) => {
          if (part.startsWith('`')) return part;
          return part.replaceAll(LINK, (_, open, target, close, tag, value, quote) =>
            open === undefined
              ? `${tag}${replace(value, line)}${quote}`
              : `${open}${replace(target, line)}${close}`,
          );
        })
        .join('');
    })
    .join('\n');
}
