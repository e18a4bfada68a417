import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chatServer } from '../../test/chat-server.js';
import { folder, stratagem } from '../../test/stratagem.js';

const PNG = Buffer.from('89504e470d0a1a0a0000000d', 'hex');
const plan = `goal: Look
tasks:
  - id: look
    description: What is it?
    attachments: [a.png, { path: notes.txt, filename: all.txt }]
`;

describe('a plan file with attachments', () => {
  test('reads them beside the file, and resumes a run without them', async () => {
    let isDown = true;
    await using server = await chatServer(() =>
      isDown ? { status: 400, message: 'not now' } : 'A lamp.',
    );
    const files = { 'plan.yaml': plan, 'notes.txt': 'Notes.', 'a.png': PNG };
    await using place = await folder(files);
    const journal = ['--journal', join(place.path, 'journal')];
    const env = { OPENAI_API_KEY: 'sk-test-7f3a9c1e5b2d' };
    const first = await stratagem(
      [
        'run',
        join(place.path, 'plan.yaml'),
        '--runner',
        'openai',
        '--base-url',
        server.url,
        ...journal,
      ],
      { env },
    );
    expect(first.exitCode).toBe(1);
    await rm(join(place.path, 'a.png'));
    await rm(join(place.path, 'notes.txt'));
    isDown = false;
    const [id = ''] = /[\w-]+(?= --journal)/.exec(first.stderr) ?? [];
    const resumed = await stratagem(['resume', id, '--retry-failed', '--json', ...journal], {
      env,
    });
    expect(resumed).toMatchObject({ exitCode: 0 });
    const { body } = server.requests[1] as (typeof server.requests)[number];
    const [message] = body.messages as { content: unknown }[];
    expect(message?.content).toEqual([
      {
        type: 'image_url',
        image_url: { url: `data:image/png;base64,${PNG.toString('base64')}` },
      },
      { type: 'text', text: '<file name="all.txt">\nNotes.\n</file>' },
      { type: 'text', text: 'What is it?' },
    ]);
    expect(resumed.stdout).not.toContain(PNG.toString('base64'));
  });

  test('is refused for files elsewhere, unless they are allowed', async () => {
    await using pictures = await folder({ 'a.png': PNG });
    await using place = await folder({
      'plan.yaml': plan.replace('a.png', join(pictures.path, 'a.png')),
      'notes.txt': 'Notes.',
    });
    const args = ['run', join(place.path, 'plan.yaml'), '--latency', '1'];
    const refused = await stratagem(args);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('the attachment of task "look" is outside of');
    expect(refused.stderr).toContain('Use --allow-read DIR to let tasks attach files');
    const mistyped = await stratagem([...args, '--allow-read', join(pictures.path, 'no')]);
    expect(mistyped.exitCode).toBe(2);
    expect(mistyped.stderr).toContain('--allow-read: there is no folder ');
    const allowed = await stratagem([...args, '--allow-read', pictures.path]);
    expect(allowed).toMatchObject({ exitCode: 0 });
  });
});
