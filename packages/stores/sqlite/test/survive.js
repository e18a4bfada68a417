// Begins runs, kills their process repeatedly, lets them end, and checks everything recorded.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { attemptsOf, CHANGING, kindOf, SIZE, secretOf } from './kill-plan.js';

const KILLS = 3;
/** The maximum number of dots before a kill; a run has about 500 starts and acknowledgements. */
const MAX_DOTS = 1_000;
const CHILD = fileURLToPath(new URL('./kill-child.js', import.meta.url));

export async function surviveKills(openJournal, directory, options) {
  const { seeds, durability, largeBytes = 0, clockStepMs = 0, random = Math.random } = options;
  const live = async (life, dots) => {
    const given = { directory, life, durability, seeds, largeBytes, clockStepMs };
    const child = spawn(process.execPath, [CHILD, JSON.stringify(given)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let seen = 0;
    let errors = '';
    child.stdout.on('data', (data) => {
      seen += data.length;
      if (seen >= dots) child.kill('SIGKILL');
    });
    child.stderr.on('data', (data) => {
      errors += data;
    });
    const [code, signal] = await once(child, 'close');
    assert.ok(code === 0 || signal === 'SIGKILL', `the child ended with ${code}: ${errors}`);
    return signal === 'SIGKILL';
  };
  const hasEnded = () => existsSync(join(directory, 'ended.json'));
  let kills = 0;
  for (let life = 0; life < KILLS && !hasEnded(); life++) {
    if (await live(life, 1 + Math.floor(random() * MAX_DOTS))) kills++;
  }
  if (!hasEnded()) await live(KILLS, Number.POSITIVE_INFINITY);

  const starts = notesOf(join(directory, 'starts'));
  const acknowledged = notesOf(join(directory, 'acknowledged'));
  const ended = JSON.parse(readFileSync(join(directory, 'ended.json'), 'utf8'));
  assert.equal(ended.length, seeds.length);
  const journal = openJournal(directory);
  try {
    for (const { seed, status, error, outputs, undisturbed } of ended) {
      assert.deepEqual({ seed, status, error }, { seed, status: 'completed', error: undefined });
      assert.deepEqual(outputs, undisturbed);
      assert.equal(Object.keys(undisturbed).length, SIZE);
      await requireEachCompletedOnce(journal, seed);
      requireNothingRepeated(
        starts.filter((note) => note.seed === seed),
        acknowledged.filter((note) => note.seed === seed),
      );
    }
  } finally {
    await journal.close();
  }
  requireNoSecrets(directory, seeds);
  const attempts = new Set(
    starts.map(({ seed, taskId, attempt }) => `${seed} ${taskId} ${attempt}`),
  );
  return { kills, repeated: starts.length - attempts.size };
}

/** A changed plan begins anew in the same log, with what it keeps. */
async function requireEachCompletedOnce(journal, seed) {
  let completions = new Map();
  for await (const { type, taskId } of journal.read(`run-${seed}`)) {
    if (type === 'run_started') completions = new Map();
    if (type === 'task_completed') completions.set(taskId, (completions.get(taskId) ?? 0) + 1);
  }
  assert.equal(completions.size, SIZE);
  const others = [...completions].filter(([, count]) => count !== 1);
  assert.deepEqual(others, []);
}

/** @param starts The starts of one run in order, like `acknowledged`. */
function requireNothingRepeated(starts, acknowledged) {
  const acknowledgedIn = new Map();
  for (const { taskId, life } of acknowledged) {
    if (taskId === CHANGING) continue;
    assert.ok(!acknowledgedIn.has(taskId), `${taskId} was acknowledged twice`);
    acknowledgedIn.set(taskId, life);
  }
  const keys = new Map();
  const requests = new Map();
  const last = new Map();
  for (const { seed, taskId, life, attempt, idempotencyKey } of starts) {
    const lived = acknowledgedIn.get(taskId) ?? Number.POSITIVE_INFINITY;
    assert.ok(lived >= life, `${taskId} ran again after it was acknowledged`);
    // Attempts are numbered consecutively, and never exceed their number.
    const before = last.get(taskId) ?? 0;
    if (taskId === CHANGING) {
      // A changed request has a number of its own, also if the one before was killed before it was noted.
      assert.ok(attempt >= before, `attempt ${attempt} of ${taskId} after ${before}`);
    } else {
      assert.ok([before, before + 1].includes(attempt), `attempt ${attempt} of ${taskId}`);
      assert.ok(attempt <= attemptsOf(seed, taskId));
    }
    last.set(taskId, attempt);
    const key = `${taskId} ${attempt}`;
    assert.equal(typeof idempotencyKey, 'string');
    if (keys.has(key)) assert.equal(idempotencyKey, keys.get(key));
    keys.set(key, idempotencyKey);
    // A key names one request, for ever.
    const request = taskId === CHANGING && kindOf(seed).isChanged ? life : 0;
    const known = requests.get(idempotencyKey) ?? request;
    assert.equal(request, known, `${idempotencyKey} names two requests`);
    requests.set(idempotencyKey, request);
  }
  assert.equal(new Set(keys.values()).size, keys.size);
}

/** No file of the journal has what was redacted. */
function requireNoSecrets(directory, seeds) {
  const redacted = seeds.filter((seed) => kindOf(seed).isRedacted);
  for (const name of readdirSync(directory).filter((each) => each.startsWith('journal'))) {
    const bytes = bytesOf(join(directory, name));
    for (const seed of redacted) {
      assert.ok(!bytes.includes(secretOf(seed)), `${name} has what run-${seed} redacts`);
    }
  }
}

/** Another process may close the database meanwhile, and so remove a file. */
function bytesOf(file) {
  try {
    return readFileSync(file);
  } catch (error) {
    if (error.code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

function notesOf(file) {
  const lines = readFileSync(file, 'utf8').split('\n');
  // The last line may be incomplete.
  return lines.slice(0, -1).map((line) => JSON.parse(line));
}
