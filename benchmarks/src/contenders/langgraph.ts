import { Annotation, END, START, StateGraph } from '@langchain/langgraph';
import type { Contender } from './contender.js';

export const langgraph: Contender = {
  name: 'langgraph',
  what: 'compile and invoke a StateGraph with one node per task',
  maxSize: (shape) => (shape === 'chain' ? 100 : 1_000),
  async run({ size, dependencies }, task, maxParallel) {
    const State = Annotation.Root({
      done: Annotation<number>({ reducer: (sum, one) => sum + one, default: () => 0 }),
    });
    // Its types require node names that are known at compile time.
    // biome-ignore lint/suspicious/noExplicitAny: see above
    const graph: any = new StateGraph(State);
    const leaves = new Set(Array.from({ length: size }, (_, index) => index));
    for (let index = 0; index < size; index++) {
      graph.addNode(`task-${index}`, async () => {
        await task(index);
        return { done: 1 };
      });
    }
    for (let index = 0; index < size; index++) {
      const mine = dependencies[index] as readonly number[];
      for (const dependency of mine) leaves.delete(dependency);
      const from = mine.map((dependency) => `task-${dependency}`);
      graph.addEdge(
        from.length === 0 ? START : from.length === 1 ? from[0] : from,
        `task-${index}`,
      );
    }
    for (const leaf of leaves) graph.addEdge(`task-${leaf}`, END);
    await graph
      .compile()
      .invoke({ done: 0 }, { maxConcurrency: maxParallel, recursionLimit: size + 10 });
  },
};
