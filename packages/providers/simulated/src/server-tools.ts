import type { TaskOutput, TaskRequest } from '@stratagem/core';
import { serverToolsOf } from '@stratagem/core/runner';

const SOURCE = { url: 'https://example.com/', title: 'A simulated page' };

/** What the tools of a simulated provider leave with the output: one call of each, and a cited source. */
export function serverToolResults({
  description,
  options = {},
}: TaskRequest): Pick<TaskOutput, 'citations' | 'serverToolCalls'> {
  const serverTools = serverToolsOf(options, []);
  if (serverTools.length === 0 || options.toolChoice === 'none') return {};
  const serverToolCalls = serverTools.map(({ type: tool }) =>
    tool === 'web_search'
      ? { tool, queries: [description.slice(0, 80)], sources: [SOURCE] }
      : { tool, code: 'print("simulated")', stdout: 'simulated\n', exitCode: 0 },
  );
  const isSearching = serverTools.some(({ type }) => type === 'web_search');
  return { serverToolCalls, ...(isSearching && { citations: [SOURCE] }) };
}
