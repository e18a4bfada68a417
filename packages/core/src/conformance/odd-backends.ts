import { ATTEMPT_ERROR_CODES, describe, isStratagemError } from '../contract/errors.js';
import type { TaskRunner } from '../contract/runner.js';
import type { Tool } from '../contract/tool.js';
import { assert, type ConformanceCase } from './case.js';
import { RecordingContext } from './recording-context.js';
import { CODES_OF_KIT, OF_KIT, OWN_FIELDS } from './remedies.js';
import { checkAnswer, checkToolCalls, failureOf } from './runner-checks.js';
import { play, requestFor, weather } from './runner-fixtures.js';

/** Backends that send what they do not document. */
export interface OddBackends {
  /**
   * Creates a runner whose backend ends its answers for a reason that it does not document, such as a
   * `finish_reason` of `"halted"`. Such an answer is not complete.
   * @default the ends of answers are not tested
   */
  readonly unfinished?: (() => TaskRunner | Promise<TaskRunner>) | undefined;
  /**
   * Creates a runner whose backend calls the first tool in two answers, with the same id, and then
   * answers with text.
   * @default repeated ids are not tested
   */
  readonly repeatingCallIds?: (() => TaskRunner | Promise<TaskRunner>) | undefined;
  /**
   * Creates a runner whose backend adds fields and parts to its answers that it does not document.
   * @default such answers are not tested
   */
  readonly withExtraFields?: (() => TaskRunner | Promise<TaskRunner>) | undefined;
}

/** The cases of backends that send what they do not document. */
export function oddBackendCases({
  unfinished,
  repeatingCallIds,
  withExtraFields,
}: OddBackends): ConformanceCase[] {
  const cases: ConformanceCase[] = [];
  if (unfinished !== undefined) {
    cases.push({
      name: 'fails when its backend ends an answer for an unknown reason',
      async run() {
        const runner = await unfinished();
        const answer = runner.run(requestFor('a', 'Say hello.'), new RecordingContext());
        const failure = await failureOf(answer);
        assert(
          isStratagemError(failure),
          'it took an unfinished answer for a complete one; accept the reasons that you know alone: ' +
            `answerEndOf() and requireComplete() ${OF_KIT} do that`,
        );
        const { code } = failure;
        assert(
          ATTEMPT_ERROR_CODES.some((each) => each === code),
          `"${code}" is not an error code of attempts; ${CODES_OF_KIT}`,
        );
      },
    });
  }
  if (repeatingCallIds !== undefined) {
    cases.push({
      name: 'gives each tool call an id of its own and makes it once',
      async run() {
        const runner = await repeatingCallIds();
        let executed = 0;
        const counted: Tool = { ...weather, execute: () => `sunny, ${++executed}` };
        const task = { id: 'a', description: 'What is the weather in Lisbon?', tools: [counted] };
        const result = await play(runner, { goal: 'conformance', tasks: [task] });
        assert(result.status === 'completed', `${result.status}: ${result.error?.message}`);
        assert(
          executed === 2,
          `its backend made two calls with one id, and ${executed} were executed; make both: ` +
            `CallIds ${OF_KIT} gives each an id of its own`,
        );
        checkToolCalls(result.timeline);
      },
    });
  }
  if (withExtraFields !== undefined) {
    cases.push({
      name: 'answers although its backend adds fields and parts',
      async run() {
        const runner = await withExtraFields();
        const attempt = new RecordingContext();
        const answer = await runner.run(requestFor('a', 'Say hello.'), attempt).catch((thrown) => {
          const remedy = 'read the fields and parts that you know, and pass over the others';
          throw new Error(
            `it failed at fields that its backend added: ${describe(thrown)}; ${remedy}`,
          );
        });
        checkAnswer(runner, answer, attempt);
        const names = [...attempt.foreignFields].join(', ');
        assert(names === '', `it emitted parts with other fields: ${names}; ${OWN_FIELDS}`);
      },
    });
  }
  return cases;
}
