import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const REPOSITORY = 'https://github.com/stratagem/stratagem';
const published = globSync('packages/{*,*/*}/package.json', { cwd: root })
  .map((file) => ({
    directory: dirname(file).replaceAll('\\', '/'),
    manifest: JSON.parse(readFileSync(join(root, file), 'utf8')),
  }))
  .filter(({ manifest }) => !manifest.private)
  .map((each) => ({ name: each.manifest.name as string, ...each }));

/** The oldest Node in which every package works: `node:sqlite` needs no flag from there on. */
const NODE = '>=22.13';

describe.each(published)('$name', ({ directory, manifest }) => {
  test('says where it comes from, and is published with provenance', () => {
    expect(manifest).toMatchObject({
      description: expect.stringMatching(/^.{20,}\.$/),
      keywords: expect.arrayContaining(['llm']),
      homepage: expect.stringContaining(REPOSITORY),
      bugs: { url: `${REPOSITORY}/issues` },
      repository: { type: 'git', url: `git+${REPOSITORY}.git`, directory },
      license: 'MIT',
      engines: { node: NODE },
      publishConfig: { access: 'public', provenance: true },
    });
  });

  test('names every package that it shares with its user as a peer, with a tested version', () => {
    for (const peer of Object.keys(manifest.peerDependencies ?? {})) {
      expect(Object.keys(manifest.devDependencies)).toContain(peer);
    }
  });

  test('has a README whose links work on the page of a registry', () => {
    const readme = readFileSync(join(root, directory, 'README.md'), 'utf8');
    const links = Array.from(readme.matchAll(/\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"/g), (match) =>
      String(match[1] ?? match[2]),
    );
    for (const link of links) {
      expect(link).toMatch(/^(https:|#|mailto:)/);
      const [, path] = new RegExp(`^${REPOSITORY}/(?:blob|tree|raw)/main/([^#]*)`).exec(link) ?? [];
      if (path !== undefined) expect(existsSync(join(root, path)), link).toBe(true);
    }
  });
});

test('the schema of plan files says where it is published', () => {
  const file = join(root, 'packages/core/schema/plan.schema.json');
  const { $id, $schema } = JSON.parse(readFileSync(file, 'utf8'));
  expect($schema).toContain('json-schema.org');
  // unpkg serves the files of a package under its name.
  expect($id).toBe('https://unpkg.com/@stratagem/core/schema/plan.schema.json');
});

test('the short name has the version of the command line', () => {
  const versions = published
    .filter(({ name }) => name === 'stratagem' || name === '@stratagem/cli')
    .map(({ manifest }) => manifest.version);
  expect(new Set(versions).size).toBe(1);
  const config = JSON.parse(readFileSync(join(root, '.changeset/config.json'), 'utf8'));
  expect(config.fixed).toContainEqual(['stratagem', '@stratagem/cli']);
});

test('the rules for taking part, and for reporting problems, are there', () => {
  const files = [
    ...['LICENSE', 'SECURITY.md', 'CODE_OF_CONDUCT.md', 'CONTRIBUTING.md'],
    ...['.github/PULL_REQUEST_TEMPLATE.md', '.github/ISSUE_TEMPLATE/config.yml'],
    ...['.github/dependabot.yml', '.github/workflows/ci.yml', '.github/workflows/release.yml'],
  ];
  for (const file of files) expect(existsSync(join(root, file)), file).toBe(true);
});
