import { PLAN_SCHEMA_URL } from '@stratagem/core/document';

/** The plan that `stratagem init` writes. It runs without a key. */
export function examplePlan(file: string): string {
  return `# yaml-language-server: $schema=${PLAN_SCHEMA_URL}
#
# A plan: tasks, and what each of them needs. Tasks that do not need each other run
# at the same time. To run it:
#
#   stratagem run ${file}

goal: A short briefing on a topic

# Values that each run may set: stratagem run ${file} --input topic="electric cars"
inputs:
  topic:
    type: string
    default: the history of tea
  questions:
    type: array
    items: { type: string }
    default: [How did it begin?, Who shaped it?, Where is it today?]

# The results: what is printed at the end.
outputs:
  briefing: briefing

# The model that does the work. Without this, a simulated model does it, for free.
# models:
#   default: { runner: openai }                        # needs OPENAI_API_KEY
#   careful: { runner: anthropic, reasoning: high }    # for tasks with model: careful

tasks:
  # One task for each question. They run at the same time.
  - id: research
    forEach: inputs.questions
    description: 'Answer in five sentences, about {{inputs.topic}}: {{item}}'

  # The text {{research}} stands for the outputs of that task.
  - id: draft
    dependencies: [research]
    description: |
      Write a briefing of one page on {{inputs.topic}} from these notes:
      {{research}}

  # These two need the draft alone, so they run at the same time.
  - id: gaps
    dependencies: [draft]
    description: 'What does this briefing leave open? {{draft}}'
  - id: errors
    dependencies: [draft]
    description: 'Which claims of this briefing need a source? {{draft}}'
    # retry: { maxAttempts: 5 }    # by default, transient errors are retried twice
    # timeoutMs: 60000             # for one attempt

  - id: briefing
    dependencies: [draft, gaps, errors]
    description: |
      Improve this briefing: {{draft}}
      Fill these gaps: {{gaps}}
      Check these claims: {{errors}}
    # waitFor: approval            # asks you before the result is accepted
`;
}
