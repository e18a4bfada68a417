export type { MapProgress } from './dataset-run.js';
export {
  type Forecast,
  type ForecastOptions,
  forecastOf,
  type Range,
  type RowFigures,
} from './forecast.js';
export type { Lane } from './lanes.js';
export { type DatasetMap, mapDataset } from './map-dataset.js';
export type { MappedRow, RowError } from './mapped-row.js';
export type { GivenInputs, MapOptions, MapQuestion } from './options.js';
export {
  type ReadRowsOptions,
  ROW_FORMATS,
  type RowFile,
  type RowFormat,
  readRows,
} from './read/read-rows.js';
export { RowsError } from './read/rows-error.js';
export { type SelectedRows, type SelectOptions, selectRows } from './read/select-rows.js';
export {
  type BindingOptions,
  bindRows,
  type ColumnBinding,
  outputNamesOf,
  type RowBinding,
  rowOf,
} from './row-plan.js';
export type { Rows } from './segment-source.js';
export { sharedStrategy } from './shared-strategy.js';
export type { MapSummary } from './summary.js';
export { RESULT_FORMATS, type ResultFormat } from './write/row-text.js';
export { openRowsFile, type RowsFile, type RowsFileOptions } from './write/rows-file.js';
