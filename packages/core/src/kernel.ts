// For authors of engines: the kernel, its state, and the seam where attempts run.

export type * from './contract/carrier.js';
export { isMet } from './contract/condition.js';
export { subtasksOf, writtenTasksOf } from './contract/module.js';
export { inputRecordOf } from './contract/plan-inputs.js';
export { parseReference, readPath } from './contract/reference.js';
export { Graph } from './graph/graph.js';
export type { Command } from './kernel/command.js';
export type { KernelOptions, RecoverOptions } from './kernel/options.js';
export { RecoveringKernel as Kernel } from './kernel/recovering-kernel.js';
export { EventFeed } from './runtime/event-stream.js';
export { type WorkerCarrierOptions, workerCarrier } from './runtime/worker-carrier.js';
export { countTasks, planToData } from './serialize/plan.js';
export { decodeReport, decodeValue, encodeReport, encodeValue } from './serialize/wire.js';
export { EventLog } from './state/event-log.js';
export { RunState } from './state/run-state.js';
export { checkCondition } from './validate/condition.js';
export { graphOf } from './validate/plan.js';
