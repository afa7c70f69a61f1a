// Pipes, terminals and colours.
import { spawn } from 'node:child_process';

import { beforeAll, describe, expect, test } from 'vitest';

import { build, PROGRAM, spawnLeastwise } from '../support/built.ts';
import { ownFolder, written } from '../support/folders.ts';
import { leastwise } from '../support/leastwise.ts';
import { ALICE, ask, logOf } from '../support/log.ts';

const folder = ownFolder();
const MANY = logOf(Array.from({ length: 3000 }, (_, i) => ask(ALICE, `list pods ns${i}`)));
const ESCAPE = '\u001B';

describe('a terminal', () => {
  test('shows progress and colours on stderr, and leaves stdout to the result', async () => {
    const { stdout, stderr, terminal } = await leastwise(['generate', '--all', '-f', '-'], {
      stdin: MANY,
      isTerminal: true,
    });
    expect(terminal).toContain('events');
    expect(terminal).toContain('/s |');
    expect(stderr).toContain(ESCAPE);
    expect(stdout).not.toContain(ESCAPE);
    expect(stdout).not.toContain('/s |');
    // The cursor, hidden while the bar moves, comes back.
    expect(terminal.lastIndexOf(`${ESCAPE}[?25h`)).toBeGreaterThan(terminal.lastIndexOf(`${ESCAPE}[?25l`));
  });

  test.each([{ NO_COLOR: '1' }, { TERM: 'dumb' }])('has no colours with %o', async (environment) => {
    const { stdout, stderr } = await leastwise(['generate', '--all', '-f', '-'], {
      stdin: `${MANY}broken\n`,
      isTerminal: true,
      environment,
    });
    expect(stderr).toContain('unreadable');
    expect(`${stdout}${stderr}`).not.toContain(ESCAPE);
  });
});

test('without a terminal there is no progress and no escape code', async () => {
  for (const args of [
    ['generate', '--all', '-f', '-'],
    ['generate', '--nonsense'],
    ['generate', '--all', '-f', '/gone'],
  ]) {
    const { stdout, stderr, terminal } = await leastwise(args, { stdin: `${MANY}broken\n` });
    expect(terminal).toBe('');
    expect(`${stdout}${stderr}`).not.toContain(ESCAPE);
    expect(stderr).not.toBe('');
  }
});

describe('a pipe', () => {
  beforeAll(build, 180_000);

  test('that is closed early, as by head, is no error', async () => {
    const log = await written(folder('audit.log'), MANY);
    const shell = spawn(
      'bash',
      [
        '-c',
        'set -o pipefail; "$1" "$2" generate -q --all -f "$3" | head -n 1',
        'bash',
        process.execPath,
        PROGRAM,
        log,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    shell.stdout.on('data', (bytes: Buffer) => out.push(bytes));
    shell.stderr.on('data', (bytes: Buffer) => err.push(bytes));
    const code = await new Promise((resolve) => shell.on('close', resolve));
    expect(Buffer.concat(err).toString()).toBe('');
    expect(Buffer.concat(out).toString().split('\n')).toHaveLength(2);
    expect(code).toBe(0);
  });

  test('carries all of a long output', async () => {
    const log = await written(folder('audit.log'), MANY);
    const { end, stdout, stderr } = await spawnLeastwise(['generate', '-q', '--all', '-f', log]).ended;
    expect([end, stderr]).toEqual([0, '']);
    expect(stdout.match(/^kind: Role$/gm)).toHaveLength(3000);
    expect(stdout.endsWith('\n')).toBe(true);
    expect(stdout).not.toContain(ESCAPE);
  });
});
