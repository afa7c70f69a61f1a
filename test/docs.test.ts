import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { anchorsOf, type Block, blocksOf, isShown, relativeLinksOf, stepsOf } from './docs/markdown.ts';
import { build, Clone, helpOf, ROOT } from './docs/shell.ts';

const SHELLS = ['console', 'sh', 'bash', 'shell'];
/** Written on the fence of a shell block: whether a test runs it, or it needs what no test has. */
const MARKS = ['run', 'no-run'];
const MAX_README_LINES = 60;

function markdownBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => join(folder, path))
    .sort();
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

const ROOMS = readdirSync(join(ROOT, 'packages')).filter((name) =>
  existsSync(join(ROOT, 'packages', name, 'package.json')),
);
const ROOM_READMES = ROOMS.map((name) => `packages/${name}/README.md`);
/** Documents whose commands are run. */
const GUIDES = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...markdownBelow('docs')];
const DOCUMENTS = [...GUIDES, 'ARCHITECTURE.md', 'CHANGELOG.md', 'examples/README.md', ...ROOM_READMES];

function shellBlocks(path: string): Block[] {
  return blocksOf(read(path)).filter(({ language }) => SHELLS.includes(language));
}

const FLAG = /(?<![\w-])--?[a-zA-Z][\w-]*/g;

function flagsOf(text: string): string[] {
  return [...new Set(text.match(FLAG))];
}

const help = new Map<string, string>();

/** The help of a command, `''` for the program's own. */
function helpFor(command: string): string {
  const known = help.get(command) ?? (command === '' ? helpOf() : helpOf(command));
  help.set(command, known);
  return known;
}

function optionsOf(command: string): string[] {
  const options = helpFor(command)
    .split('\n')
    .filter((line) => /^\s+-/.test(line));
  return [
    ...new Set(
      options.flatMap(
        (line) =>
          line
            .trim()
            .split(/\s{2,}/, 1)[0]
            ?.match(FLAG) ?? [],
      ),
    ),
  ];
}

function commandNames(): string[] {
  const [, list = ''] = /\nCommands:\n([\s\S]*)/.exec(helpFor('')) ?? [];
  return [...list.matchAll(/^ {2}(\w\S*)/gm)].flatMap(([, name = '']) => (name === 'help' ? [] : [name]));
}

describe('every command in the documents', () => {
  const withShell = DOCUMENTS.filter((path) => shellBlocks(path).length > 0);
  beforeAll(build, 600_000);

  test.each(withShell)('%s says of each shell block whether it is run', (path) => {
    for (const { line, info } of shellBlocks(path)) expect(MARKS, `${path}:${line}`).toContain(info);
  });

  describe.each(GUIDES.filter((path) => shellBlocks(path).some(({ info }) => info === 'run')))(
    '%s',
    (path) => {
      const clone = new Clone();
      afterAll(() => {
        clone.remove();
      });
      const blocks = shellBlocks(path).filter(({ info }) => info === 'run');

      // In the order of the document and in one folder: a block may use what an earlier one made.
      test.each(blocks.map((block) => [block.line, block] as const))('line %i', (_, block) => {
        const all = clone.run(stepsOf(block));
        for (const [index, { step, output, code }] of all.entries()) {
          const where = `${path}:${step.line}: ${step.command}`;
          const { expected } = step;
          if (expected.length > 0 && !isShown(output, expected))
            expect(output, where).toBe(expected.join('\n'));
          const showsCode = all[index + 1]?.step.command === 'echo $?';
          if (!showsCode) expect(code, `${where}\n${output}`).toBe(0);
        }
      });
    },
  );

  test.each(withShell)('%s uses only flags that there are', (path) => {
    for (const { line, lines } of shellBlocks(path)) {
      const text = lines.join('\n').replaceAll('\\\n', ' ');
      for (const [, command = '', rest = ''] of text.matchAll(/\bleastwise ([a-z][\w-]*)(.*)/g)) {
        const known = optionsOf(command);
        const own = rest.replace(/'[^']*'|"[^"]*"/g, '').split(/ [|>;&]/, 1)[0] ?? '';
        for (const flag of flagsOf(own))
          expect(known, `${path}:${line}: leastwise ${command}`).toContain(flag);
      }
    }
  });
});

describe('the page of each command', () => {
  beforeAll(build, 600_000);

  test('is there, and none beyond them', () => {
    const pages = markdownBelow('docs/commands').map((path) => basename(path, '.md'));
    expect(pages).toEqual(commandNames().sort());
  });

  test.each(markdownBelow('docs/commands'))('%s mentions every flag of its help', (path) => {
    const mentioned = flagsOf(read(path));
    for (const flag of optionsOf(basename(path, '.md'))) expect(mentioned, path).toContain(flag);
  });

  test('the page on knobs has all flags of generate that run has too, but for input and output', () => {
    const notKnobs = flagsOf(read('docs/input-forms.md')).concat(
      '-o',
      '--output',
      '-q',
      '--quiet',
      '-h',
      '--help',
      '--state',
    );
    const inRun = optionsOf('run');
    const knobs = optionsOf('generate').filter((flag) => inRun.includes(flag) && !notKnobs.includes(flag));
    expect(knobs.length).toBeGreaterThan(15);
    expect(flagsOf(read('docs/knobs.md'))).toEqual(expect.arrayContaining(knobs));
  });
});

test.each(DOCUMENTS)('the links of %s lead somewhere', (path) => {
  for (const link of relativeLinksOf(read(path))) {
    const [file = '', anchor] = link.split('#');
    const target = file === '' ? path : relative(ROOT, join(ROOT, dirname(path), decodeURIComponent(file)));
    expect(existsSync(join(ROOT, target)), `${path}: ${link}`).toBe(true);
    if (anchor === undefined) continue;
    expect(statSync(join(ROOT, target)).isFile(), `${path}: ${link}`).toBe(true);
    expect([...anchorsOf(read(target))], `${path}: ${link}`).toContain(anchor);
  }
});

describe('rooms', () => {
  test('ARCHITECTURE.md names every room, and no other', () => {
    const named = [...read('ARCHITECTURE.md').matchAll(/packages\/([a-z-]+)/g)].map(([, name]) => name);
    expect([...new Set(named)].sort()).toEqual([...ROOMS].sort());
  });

  test.each(ROOM_READMES)('%s is short', (path) => {
    expect(read(path).trimEnd().split('\n').length).toBeLessThanOrEqual(MAX_README_LINES);
  });
});
