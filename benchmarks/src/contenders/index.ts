import type { Contender } from './contender.js';

/** Loaded one at a time, so that no library affects the figures of another. */
export const CONTENDERS: Readonly<Record<string, () => Promise<Contender>>> = {
  floor: async () => (await import('./floor.js')).floor,
  stratagem: async () => (await import('./stratagem.js')).stratagem,
  'stratagem (timeline read)': async () => (await import('./stratagem.js')).stratagemTimeline,
  'stratagem (runner)': async () => (await import('./stratagem.js')).stratagemRunner,
  'p-graph': async () => (await import('./p-graph.js')).pGraph,
  'p-queue': async () => (await import('./p-queue.js')).pQueue,
  'async.auto': async () => (await import('./async-auto.js')).asyncAuto,
  effect: async () => (await import('./effect.js')).effect,
  langgraph: async () => (await import('./langgraph.js')).langgraph,
  mastra: async () => (await import('./mastra.js')).mastra,
};
