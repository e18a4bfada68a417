import type { CommandRunner } from '../contract/command-runner.js';
import { describe, RunnerError } from '../contract/errors.js';
import type { RunContext } from '../contract/run-context.js';
import { formatIssues } from '../contract/schema.js';
import type { CommandCall } from '../contract/step.js';
import type { Tool } from '../contract/tool.js';
import { validateWith } from '../contract/validate-with.js';
import type { Step } from '../state/step.js';
import { type CallingAttempt, executeTool, refusalOf, surrounded } from './tool-call.js';

/**
 * Calls the tool of a task, without a model, and logs the call.
 *
 * @throws What the tool throws; {RunnerError} `rejected` by a human, `invalid_input` when the arguments do not fit its schema,
 * `timeout` when it takes longer than its `timeoutMs`.
 */
export async function runTool(
  tool: Tool | undefined,
  { tool: name, args }: Extract<Step, { kind: 'tool' }>,
  context: CallingAttempt,
): Promise<unknown> {
  if (tool === undefined) {
    throw new RunnerError('invalid_request', `this worker does not have the tool "${name}"`);
  }
  return logged(name, args, context, async () => {
    const checked = await validateWith(tool.inputSchema, args);
    if (checked.issues !== undefined) {
      const issues = formatIssues(checked.issues);
      throw new RunnerError('invalid_input', `its args do not fit the tool "${name}": ${issues}`);
    }
    const { idempotencyKey, signal } = context;
    const call = { context, callId: CALL_ID, key: CALL_ID, idempotencyKey, signal };
    const refusal = await refusalOf(tool, args, checked.value, call);
    if (refusal !== undefined) throw new RunnerError('rejected', refusal);
    return executeTool(tool, checked.value, call);
  });
}

/**
 * Runs the command of a task, and logs it.
 *
 * @throws What the command runner throws.
 */
export async function runCommand(
  command: CommandCall,
  commands: CommandRunner | undefined,
  context: RunContext,
): Promise<unknown> {
  if (commands === undefined) {
    throw new RunnerError('invalid_request', 'this worker runs no commands');
  }
  const { env } = command;
  // The values of variables are often secrets.
  const shown = env === undefined ? command : { ...command, env: Object.keys(env) };
  return logged('command', shown, context, () => commands.run(command, context));
}

/** An attempt at a step makes one call. */
const CALL_ID = 'step';

async function logged(
  tool: string,
  input: unknown,
  context: RunContext,
  run: () => Promise<unknown>,
): Promise<unknown> {
  const { emit } = context;
  const call = { callId: CALL_ID, tool };
  await emit({ kind: 'tool_call', ...call, input });
  const began = performance.now();
  const end = (result: { readonly ok: boolean; readonly message?: string }) =>
    emit({ kind: 'tool_result', ...call, ...result, durationMs: performance.now() - began });
  try {
    const output = await surrounded({ context, callId: CALL_ID }, tool, input, run);
    // The output itself is that of the task.
    await end({ ok: true });
    return output;
  } catch (thrown) {
    await end({ ok: false, message: describe(thrown) });
    throw thrown;
  }
}
