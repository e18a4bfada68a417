/** How an answer ended. */
export type AnswerEnd =
  | 'complete'
  /** The model waits for the results of its tool calls. */
  | 'tool_calls'
  /** At a limit of tokens: of the request, or of the model. */
  | 'truncated'
  /** At the end of the context window. */
  | 'context_full'
  /** The server paused a long turn and expects another request. */
  | 'paused'
  /** A content filter withheld the answer. */
  | 'filtered'
  | 'refused'
  /** The server has no capacity for the rest of the answer. */
  | 'overloaded'
  /** The provider failed while it answered. */
  | 'failed'
  /** With a reason that is not in the list of known ones. */
  | 'unknown';

/**
 * How an answer ended, by the reason that a server gave: a finish reason, a stop reason or a status.
 * Only known reasons count as the end of an answer. Case and punctuation do not matter.
 *
 * @returns Undefined when the server gave no reason: the answer has not ended.
 *
 * @example
 * answerEndOf('MAX_TOKENS'); // 'truncated'
 * answerEndOf(null); // undefined
 */
export function answerEndOf(reason: unknown): AnswerEnd | undefined {
  if (reason === undefined || reason === null || reason === '') return undefined;
  const usual = ENDS.get(reason as string);
  if (usual !== undefined) return usual;
  const { type = reason } = Object(reason) as { type?: unknown };
  const word = String(type)
    .toLowerCase()
    .replaceAll(/[^a-z]/g, '')
    .replace(/^finishreason/, '');
  return UNFINISHED.has(word) ? undefined : (ENDS.get(word) ?? 'unknown');
}

/** Reasons of servers that lost the answer on its way, or have not begun it. */
const UNFINISHED: ReadonlySet<string> = new Set(
  'inprogress interrupted networkerror none notfinished null pending processing queued running unspecified'.split(
    ' ',
  ),
);

const WORDS: Readonly<Record<Exclude<AnswerEnd, 'unknown'>, string>> = {
  complete:
    'stop stopped stopsequence stopsequences stopstring stopstringfound stopstrfound stoptoken stopword eos eosfound eostoken eot ' +
    'endturn endofturn endoftext complete completed done end finished normal',
  tool_calls: 'toolcalls toolcall tooluse functioncall functioncalls',
  truncated:
    'length lengthlimit limit maxlength maxlengthreached maxtokens maxtokensreached maxoutput ' +
    'maxoutputtokens maxcompletiontokens maxnewtokens maxpredictedtokensreached tokenlimit timelimit ' +
    'repetition repetitiontruncation incomplete',
  context_full:
    'modellength modelcontextwindowexceeded contextwindowexceeded contextlengthexceeded contextlengthreached contextlength ' +
    'contextlimit errorlimit',
  paused: 'pauseturn',
  filtered:
    'contentfilter contentfiltered contentpolicyviolation safety imagesafety sensitive recitation ' +
    'blocked blocklist prohibitedcontent imageprohibitedcontent imagerecitation spii language ' +
    'moderation riskcontrol guardrail guardrailintervened guardrailsblocked policyviolation errortoxic',
  refused: 'refusal refused',
  overloaded:
    'insufficientsystemresource overloaded overloadederror engineoverloaded capacityexceeded',
  failed:
    'error failed abort aborted cancelled canceled usercancel userstopped timeout modelunloaded ' +
    'malformedfunctioncall malformedtooluse malformedresponse malformedmodeloutput ' +
    'unexpectedtoolcall toomanytoolcalls',
};

const ENDS: ReadonlyMap<string, AnswerEnd> = new Map(
  Object.entries(WORDS).flatMap(([end, words]) =>
    words.split(' ').map((word) => [word, end as AnswerEnd] as const),
  ),
);
