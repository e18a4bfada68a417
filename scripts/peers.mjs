// Runs the tests of packages with peer dependencies against the oldest or the newest versions that their
// ranges allow: `node scripts/peers.mjs oldest`. It changes pnpm-workspace.yaml and the lockfile.
import { execSync } from 'node:child_process';
import { appendFileSync, globSync, readFileSync } from 'node:fs';
import { must } from './steps.mjs';

const age = process.argv[2];
if (age !== 'oldest' && age !== 'newest') {
  console.error('usage: node scripts/peers.mjs oldest|newest');
  process.exit(2);
}

const ONLY_INSTALL = ['@stratagem/cli', 'create-stratagem'];

const names = [];
const versions = new Map();
for (const file of globSync('packages/{*,*/*}/package.json')) {
  const {
    name,
    private: isPrivate,
    peerDependencies = {},
    devDependencies = {},
  } = JSON.parse(readFileSync(file, 'utf8'));
  const foreign = Object.entries(peerDependencies).filter(
    ([peer, range]) => !peer.startsWith('@stratagem/') && range !== 'catalog:',
  );
  if (isPrivate || foreign.length === 0) continue;
  // The command line and the scaffolds only install what the other packages use.
  if (!ONLY_INSTALL.includes(name)) names.push(name);
  for (const [peer, range] of foreign) {
    const [, least] = /^\^(\d+\.\d+\.\d+)$/.exec(range) ?? [];
    if (least === undefined)
      throw new Error(`${name}: the range ${range} of ${peer} is not ^x.y.z`);
    versions.set(peer, age === 'oldest' ? least : range);
    if (age === 'newest') continue;
    // A package is compiled against the types that its peer uses, such as those of @ai-sdk/provider.
    for (const [dependency, version] of Object.entries(dependenciesOf(`${peer}@${least}`))) {
      if (devDependencies[dependency]?.startsWith('^'))
        versions.set(`${name}>${dependency}`, version);
    }
  }
}

const overrides = [...versions].map(([peer, version]) => `  '${peer}': '${version}'`).join('\n');
console.log(`The ${age} peers:\n${overrides}`);
appendFileSync('pnpm-workspace.yaml', `\noverrides:\n${overrides}\n`);
must('pnpm install --no-frozen-lockfile');
if (age === 'newest') must(`pnpm update --recursive ${[...versions.keys()].join(' ')}`);
const filters = names.map((name) => `--filter=${name}`).join(' ');
must(`pnpm turbo run build test ${filters} --continue --output-logs=new-only`);

function dependenciesOf(version) {
  const command = `pnpm view ${version} dependencies --json`;
  return JSON.parse(execSync(command, { encoding: 'utf8' }) || '{}');
}
