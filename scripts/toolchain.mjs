// Runs one of the scripts beside this file with the Node and pnpm that this repository is
// developed with: those at hand when they will do, otherwise from the registry through npx.
// Itself it runs on any Node that npm runs on.
import { spawnSync } from 'node:child_process';

const NODE = { wanted: '26', atLeast: [22, 13] };
const PNPM = '12';

const [script, ...args] = process.argv.slice(2);
const command = ['node', `scripts/${script}.mjs`, ...args].join(' ');
const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' };

const { status, signal, error } = toolsAreHere()
  ? run(command)
  : run(`npx -y -p node@${NODE.wanted} -p pnpm@${PNPM} -c "${command}"`);
if (error !== undefined) console.error(error.message);
process.exitCode = signal === 'SIGINT' ? 130 : (status ?? 1);

function toolsAreHere() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [leastMajor, leastMinor] = NODE.atLeast;
  if (major < leastMajor || (major === leastMajor && minor < leastMinor)) return false;
  const pnpm = spawnSync('pnpm --version', { shell: true, encoding: 'utf8', env });
  return pnpm.status === 0 && pnpm.stdout.trim().split('.')[0] === PNPM;
}

function run(line) {
  return spawnSync(line, { shell: true, stdio: 'inherit', env });
}
