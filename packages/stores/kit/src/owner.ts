import { JournalError } from '@stratagem/core';
import { isAlive, machine } from './machine.js';

let count = 0;
const processId = crypto.randomUUID();

/** Names this process and one attempt to take a lease, so that a retry recognizes its own lease. */
export function newOwner(): string {
  count++;
  return JSON.stringify([machine, process.pid, `${processId} ${count}`]);
}

/** Whether the process of a lease ran on this machine and has ended. */
export function hasDied(owner: string): boolean {
  const [where, pid] = JSON.parse(owner) as [string, number];
  return where === machine && !isAlive(pid);
}

/** The error for others who want the run of an owner. */
export function lockedError(runId: string, owner: string, remainingMs: number): JournalError {
  const [where, pid] = JSON.parse(owner) as [string, number];
  return heldError(runId, where, pid, remainingMs);
}

/** The error for others who want a run that a process holds. */
export function heldError(
  runId: string,
  where: string,
  pid: number,
  remainingMs: number,
): JournalError {
  const [host = ''] = where.split(' ');
  const who = where === machine ? `process ${pid}` : `process ${pid} on ${host}`;
  const seconds = Math.max(1, Math.ceil(remainingMs / 1_000));
  const message = `Run "${runId}" is running in ${who}. If that process has crashed, the run can be resumed in ${seconds} s`;
  return new JournalError('run_locked', message, { runId });
}

/** The error for the owner of a run that another process has taken over. */
export function takenOverError(runId: string, leaseMs: number): JournalError {
  const message = `Run "${runId}" was taken over by another process, because this one did not renew its lease for ${leaseMs} ms or more`;
  return new JournalError('run_locked', message, { runId });
}
