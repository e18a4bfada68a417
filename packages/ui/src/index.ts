export type { PictureOptions, TimelinePictureOptions } from './export/timeline-svg.js';
export type { Trace, TraceEvent } from './export/trace.js';
export type { RunExtras } from './model/extras.js';
export type * from './model/run-model.js';
export { graphSvg, runModel, runTrace, timelineSvg } from './pictures.js';
export { type ReportOptions, renderReport } from './report/render-report.js';
export type { RunInput, RunSettings } from './report/run-input.js';
export type { RunControls, WatchableRun } from './server/controls.js';
export { type RunServer, type ServeOptions, serveRuns } from './server/serve-runs.js';
