import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Step } from './markdown.ts';

/** The repository's root. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LEASTWISE = join(ROOT, 'packages/cli/bin/leastwise.js');
const LIMIT_MS = 120_000;

/** What a command said, both outputs in one, and how it ended. */
export interface Said {
  readonly step: Step;
  readonly output: string;
  readonly code: number;
}

/**
 * Builds what changed, so that the documents are held against the sources as they are.
 * @throws Error with what the compiler says
 */
export function build(): void {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-b'], { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the build fails, so no document can be checked:\n${stdout}`);
}

/** What `leastwise ARGS --help` prints. */
export function helpOf(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [LEASTWISE, ...args, '--help'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`leastwise ${args.join(' ')} --help: ${stderr}`);
  return stdout;
}

/** A folder that looks like a fresh clone after `npm ci`, with `leastwise` on the path. */
export class Clone {
  readonly #root = mkdtempSync(join(tmpdir(), 'leastwise-docs-'));
  readonly #project = join(this.#root, 'leastwise');
  readonly #bin = join(this.#root, 'bin');

  constructor() {
    for (const folder of [this.#project, this.#bin, join(this.#root, 'home')]) mkdirSync(folder);
    for (const name of ['examples', 'package.json', 'packages', 'node_modules']) {
      symlinkSync(join(ROOT, name), join(this.#project, name));
    }
    const program = join(this.#bin, 'leastwise');
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${LEASTWISE}' "$@"\n`);
    chmodSync(program, 0o755);
  }

  /** Runs the commands of one block in one shell. A command that ends it is the last that is told of. */
  run(steps: readonly Step[]): Said[] {
    // $? is handed on from command to command, as in a terminal.
    const script = steps
      .map(({ command }) => `${command}\n_rc=$?; printf '\\036%s\\036' "$_rc"; (exit $_rc)\n`)
      .join('');
    const { stdout, error } = spawnSync('sh', ['-c', `exec 2>&1\n${script}`], {
      cwd: this.#project,
      env: this.#environment(),
      input: '',
      encoding: 'utf8',
      maxBuffer: 1 << 26,
      timeout: LIMIT_MS,
    });
    if (error) throw error;
    const said = stdout.split('\u001e');
    return steps.map((step, index) => ({
      step,
      output: said[2 * index] ?? '',
      code: Number(said[2 * index + 1] ?? NaN),
    }));
  }

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }

  #environment(): NodeJS.ProcessEnv {
    return {
      PATH: [this.#bin, process.env['PATH'] ?? ''].join(delimiter),
      HOME: join(this.#root, 'home'),
      LC_ALL: 'C',
      TZ: 'UTC',
      NO_COLOR: '1',
      GIT_CONFIG_NOSYSTEM: '1',
      npm_config_update_notifier: 'false',
    };
  }
}
