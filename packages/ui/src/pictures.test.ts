import { createPlan, isStratagemError } from '@stratagem/core';
import { simulate } from '@stratagem/core/simulate';
import { parallel } from '@stratagem/parallel';
import { expect, test } from 'vitest';
import { diligenceRun } from '../test/sample-runs.js';
import { csvOf } from './export/csv.js';
import { escapeXml } from './export/svg-surface.js';
import { graphSvg, runModel, runTrace, timelineSvg } from './index.js';

const NASTY = '</svg><script>alert(1)</script>\u0000\ud800 "&';

function nastyRun() {
  const plan = { goal: NASTY, tasks: [{ id: 'a"<b>', description: NASTY }] };
  return simulate(plan, { strategy: parallel() });
}

/** Whether every element is closed in order; enough to find text that broke out. */
function isWellFormed(svg: string): boolean {
  const open: string[] = [];
  for (const [, end, name = '', self] of svg.matchAll(/<(\/?)([a-zA-Z]+)[^<>]*?(\/?)>/g)) {
    if (self === '/') continue;
    if (end === '') open.push(name);
    else if (open.pop() !== name) return false;
  }
  return open.length === 0 && !/<(?![a-zA-Z/])/.test(svg);
}

test.each(['groups', 'tasks', 'slots'] as const)('the timeline is an SVG picture: %s', (mode) => {
  const svg = timelineSvg(diligenceRun(), { mode, theme: 'dark' });
  expect(isWellFormed(svg)).toBe(true);
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" width="1280"/);
  expect(svg).toContain('limit 12');
  expect(svg).not.toContain('NaN');
});

test('the graph is an SVG picture', () => {
  const svg = graphSvg(diligenceRun());
  expect(isWellFormed(svg)).toBe(true);
  expect(svg).toContain('*-analyse');
  expect(svg).toContain('2 failed');
});

test('what a model or a plan wrote cannot leave its place in a picture', () => {
  for (const svg of [timelineSvg(nastyRun()), graphSvg(nastyRun())]) {
    expect(isWellFormed(svg)).toBe(true);
    expect(svg).not.toContain('<script');
    expect(svg).not.toContain('\u0000');
  }
  expect(escapeXml('\ud800"')).toBe('\ufffd&quot;');
});

test('a trace has each attempt as a slice, and the parts of the path end to end', () => {
  const events = diligenceRun();
  const { traceEvents } = runTrace(events);
  const attempts = events.filter(({ type }) => type === 'task_started').length;
  const slices = traceEvents.filter(({ cat }) => cat === 'attempt' || cat === 'failed');
  expect(slices).toHaveLength(attempts);
  const path = traceEvents.filter(({ cat }) => cat === 'path');
  let at = 0;
  for (const { ts, dur = 0 } of path) {
    expect(ts).toBe(at);
    at = ts + dur;
  }
  expect(at).toBe(Math.round(runModel(events).now * 1_000));
  for (const { ts } of traceEvents) expect(Number.isInteger(ts)).toBe(true);
});

test('a cell that begins like a formula stays text in a spreadsheet', () => {
  const { timeline } = simulate(
    { goal: 'x', tasks: [{ id: '=1+1', description: 'a' }] },
    { strategy: parallel() },
  );
  expect(csvOf(runModel(timeline)).split('\r\n')[1]).toMatch(/^"'=1\+1",completed,/);
});

test.each([
  ['no run', undefined, 'needs the result of a run'],
  ['a text', 'events', 'needs the result of a run'],
  ['no events', [], 'needs a run with events'],
  ['an end alone', [{ type: 'run_completed' }], 'from run_started on'],
  ['other values', [5], 'one of them is none'],
])('given %s, a function says what it needs', (_, run, message) => {
  for (const call of [runModel, timelineSvg, graphSvg, runTrace]) {
    const thrown = (() => {
      try {
        call(run as never);
      } catch (error) {
        return error;
      }
      return undefined;
    })();
    expect(isStratagemError(thrown)).toBe(true);
    expect((thrown as Error).message).toContain(message);
  }
});

test('an unknown option is an error that names the known ones', () => {
  const { timeline } = simulate(createPlan('x').addTask({ id: 'a', description: 'a' }), {
    strategy: parallel(),
  });
  expect(() => timelineSvg(timeline, { them: 'dark' } as never)).toThrow(/theme/);
});
