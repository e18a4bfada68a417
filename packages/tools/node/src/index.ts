export { type CommandRunnerOptions, commandRunner } from './command-runner.js';
export { type FetchToolOptions, fetchTool } from './fetch-tool.js';
export { outputFolder } from './output-folder.js';
