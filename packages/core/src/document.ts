// Entry point: plans from files.
export { PLAN_SCHEMA_URL, planJsonSchema } from './document/json-schema.js';
export {
  loadPlanDocument,
  type PlanFile,
  PlanFileError,
  type ReadPlanFile,
  type ReadRows,
} from './document/load.js';
export { type ParsedPlan, parsePlanDocument } from './document/parse.js';
export {
  type ModelProfile,
  type PlanDocument,
  PROFILE_RUNNERS,
  planDocumentSchema,
  type StrategySpec,
} from './document/schema.js';
