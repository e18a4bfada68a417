import { QueueingServer, type ServerModel } from '@stratagem/simulation';
import type { ServerCase } from './matrix.js';

/**
 * The time of 64 answers of llama.cpp with a small model on two cores, by the number in flight: batching pays
 * only from 32 on, so throughput first falls and then rises.
 */
const LLAMA_CPP_SECONDS: readonly (readonly [inFlight: number, seconds: number])[] = [
  [1, 37.5],
  [4, 43],
  [8, 55],
  [16, 46],
  [32, 29.5],
];

/** A server whose throughput is not monotone. More than 32 requests wait in its queue. */
const llamaCpp: ServerModel = {
  name: 'llama.cpp',
  begin: (seed) => new QueueingServer({ seed, sigma: 0.05, speed: llamaCppSpeed }),
};

/** The speed of a request, interpolated between the measured numbers in flight on a logarithmic scale. */
export function llamaCppSpeed(inFlight: number): number {
  const [[, alone], ...others] = LLAMA_CPP_SECONDS as [[number, number], ...[number, number][]];
  let [from, before] = [1, alone];
  for (const [to, seconds] of others) {
    if (inFlight <= to) {
      const share = Math.log(inFlight / from) / Math.log(to / from);
      return alone / (before * (seconds / before) ** share) / inFlight;
    }
    [from, before] = [to, seconds];
  }
  return alone / before / inFlight;
}

/** Beside the servers of the matrix, whose throughput rises until the server is full. */
export const LLAMA_CPP: ServerCase = { name: 'llama.cpp', factor: 1, model: () => llamaCpp };
