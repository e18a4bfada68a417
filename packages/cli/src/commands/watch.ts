import { graphOf } from '@stratagem/core/kernel';
import { FileWatch } from '../load/file-watch.js';
import { type LoadedPlan, loadOptions, loadPlan } from '../load/load-plan.js';
import { resolveRunners } from '../options/resolve-runners.js';
import type { ModuleFlags } from '../options/run-flags.js';
import { UsageError } from '../options/usage-error.js';
import { type Canvas, canvasFor } from '../output/canvas.js';
import { EXIT } from '../output/exit-code.js';
import { levelCounts, levelPicture, levelsOf } from '../output/level-picture.js';
import { plural } from '../output/plural.js';
import { forTerminal, onOneLine, widthOf } from '../output/terminal-text.js';
import { interrupted } from '../run/run-page.js';
import type { Settings } from '../settings/settings.js';

/** Clears the screen and what has scrolled out of it. */
const CLEAR = '\u001b[2J\u001b[3J\u001b[H';
/** Lines of the screen besides the tasks: the goal, the status, and the gaps. */
const OTHER_LINES = 6;

/**
 * `stratagem watch PLAN`: checks the plan and draws it, again whenever it or a file that it uses changes,
 * until it is interrupted.
 *
 * @param loadSettings Reads the settings, which may change, too.
 */
export async function watchCommand(
  file: string,
  flags: ModuleFlags,
  loadSettings: () => Promise<Settings>,
): Promise<number> {
  if (file === '-') throw new UsageError('watch needs a file: standard input does not change');
  const stream = process.stdout;
  let isDrawing = false;
  let isStale = false;
  const draw = async () => {
    isStale = true;
    if (isDrawing) return;
    isDrawing = true;
    try {
      while (isStale) {
        isStale = false;
        const look = await lookAt(file, flags, loadSettings);
        files.watch(look.files);
        stream.write(picture(file, look, canvasFor(stream), stream));
      }
    } finally {
      isDrawing = false;
    }
  };
  const files = new FileWatch(() => void draw());
  const onResize = () => void draw();
  stream.on('resize', onResize);
  try {
    const ended = interrupted();
    await draw();
    await ended;
    return EXIT.completed;
  } finally {
    stream.off('resize', onResize);
    files.close();
  }
}

/** What was found: a plan, or what is wrong. */
interface Look {
  readonly loaded?: LoadedPlan;
  readonly problem?: string;
  /** The files that it depends on. */
  readonly files: readonly string[];
}

async function lookAt(
  file: string,
  flags: ModuleFlags,
  loadSettings: () => Promise<Settings>,
): Promise<Look> {
  const files = [file];
  try {
    const settings = await loadSettings();
    if (settings.file !== undefined) files.push(settings.file);
    const onModule = (module: string) => files.push(module);
    const loaded = await loadPlan(file, { ...loadOptions(flags, settings), onModule });
    await resolveRunners({}, loaded.models);
    return { loaded, files };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { problem: error.message, files };
  }
}

function picture(
  file: string,
  { loaded, problem = '' }: Look,
  canvas: Canvas,
  stream: NodeJS.WriteStream,
): string {
  const { style, width } = canvas;
  const maxLines = Math.max(3, (stream.isTTY ? stream.rows : 1_000) - OTHER_LINES);
  const time = new Date().toTimeString().slice(0, 8);
  const about = style('dim', `${time} · watching ${onOneLine(file, 40)} · Ctrl-C ends`);
  if (loaded === undefined) {
    const lines = forTerminal(problem).trimEnd().split('\n');
    const shown = lines.slice(0, maxLines).map((line) => ` ${fits(line, width - 1)}`);
    const more = lines.length > shown.length ? [` … and ${lines.length - shown.length} more`] : [];
    return frame([...shown, ...more, '', ` ${style('red', '✗')} not valid   ${about}`], stream);
  }
  const { plan, strategy } = loaded;
  const graph = graphOf(plan);
  const { levels, widest } = levelCounts(levelsOf(graph));
  const counts = [
    plural(graph.size, 'task'),
    plural(levels, 'level'),
    ...(widest > 1 ? [`up to ${widest} at once`] : []),
    ...(strategy === undefined ? [] : [strategy.name]),
  ];
  return frame(
    [
      ` ${style('bold', onOneLine(plan.goal, width - 1))}`,
      ` ${style('dim', counts.join(' · '))}`,
      '',
      ...levelPicture(graph, canvas, maxLines),
      '',
      ` ${style('green', '✓')} valid   ${about}`,
    ],
    stream,
  );
}

function frame(lines: readonly string[], stream: NodeJS.WriteStream): string {
  return `${stream.isTTY ? CLEAR : ''}${lines.join('\n')}\n`;
}

/** A line with its gaps, cut only where it has to be. */
function fits(line: string, width: number): string {
  return widthOf(line) <= width ? line : onOneLine(line, width);
}
