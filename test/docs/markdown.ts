/** A fenced block of a Markdown file. */
export interface Block {
  /** 1-based line of the opening fence. */
  readonly line: number;
  readonly language: string;
  /** What follows the language on the fence's line. */
  readonly info: string;
  readonly lines: readonly string[];
}

/** A command that a document shows, with the output that it shows below it. */
export interface Step {
  readonly line: number;
  readonly command: string;
  /** Empty where the document shows no output: then any will do. */
  readonly expected: readonly string[];
}

const FENCE = /^\s*(`{3,}|~{3,})\s*(\S*)\s*(.*)$/;

/** The fenced blocks of a Markdown text, in order. @throws Error where a fence is not closed */
export function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  let open: { fence: string; block: Block & { lines: string[] } } | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const [, fence = '', language = '', info = ''] = FENCE.exec(line) ?? [];
    if (open === undefined) {
      if (fence !== '') open = { fence, block: { line: index + 1, language, info, lines: [] } };
    } else if (fence.startsWith(open.fence) && language === '') {
      blocks.push(open.block);
      open = undefined;
    } else {
      open.block.lines.push(line);
    }
  }
  if (open !== undefined) throw new Error(`line ${open.block.line}: the fence is not closed`);
  return blocks;
}

/** The text without its fenced blocks and inline code, line numbers kept. */
function proseOf(text: string): string {
  const lines = text.split('\n');
  for (const block of blocksOf(text)) {
    for (let i = block.line - 1; i < block.line + block.lines.length + 1; i += 1) lines[i] = '';
  }
  return lines.join('\n').replace(/`[^`\n]*`/g, '');
}

/**
 * The commands of a block. In `console` a line that begins with `$ ` is a command, on further lines while the
 * line before ends with a backslash or a here-document is open; anything else is output. Other languages are one script.
 */
export function stepsOf(block: Block): Step[] {
  if (block.language !== 'console') {
    return [{ line: block.line + 1, command: block.lines.join('\n'), expected: [] }];
  }
  const steps: { line: number; command: string; expected: string[] }[] = [];
  let until: ((line: string) => boolean) | undefined;
  for (const [index, line] of block.lines.entries()) {
    const step = steps.at(-1);
    if (until !== undefined && step !== undefined) {
      step.command += `\n${line}`;
      if (until(line)) until = undefined;
    } else if (line.startsWith('$ ')) {
      const command = line.slice(2);
      steps.push({ line: block.line + 1 + index, command, expected: [] });
      const [, word] = /<<-?\s*['"]?(\w+)/.exec(command) ?? [];
      if (word !== undefined) until = (each) => each === word;
      else if (command.endsWith('\\')) until = (each) => !each.endsWith('\\');
    } else if (step !== undefined) {
      step.expected.push(line);
    } else {
      throw new Error(`line ${block.line}: output before the first command`);
    }
  }
  return steps;
}

/** Whether output is what a document shows: a line `...` stands for any lines, `...` in a line for any text. */
export function isShown(actual: string, expected: readonly string[]): boolean {
  const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const pattern = expected
    .map((line) => (line === '...' ? '(?:.*\\n)*?' : `${line.split('...').map(escape).join('.*')}\\n`))
    .join('');
  return new RegExp(`^${pattern}$`).test(actual === '' || actual.endsWith('\n') ? actual : `${actual}\n`);
}

/** Where the links and images of a Markdown text lead, without those that leave the repository. */
export function relativeLinksOf(text: string): string[] {
  const targets = [
    ...proseOf(text).matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g),
    ...proseOf(text).matchAll(/(?:src|srcset|href)="([^"]+)"/g),
  ];
  return targets.map(([, target = '']) => target).filter((target) => !/^[a-z]+:/i.test(target));
}

/** The anchors that GitHub gives to the headings of a Markdown text. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  const withoutBlocks = text.replace(/^\s*(`{3,}|~{3,})[\s\S]*?^\s*\1/gm, '');
  for (const [, title = ''] of withoutBlocks.matchAll(/^#{1,6}\s+(.+)$/gm)) {
    const slug = title
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-');
    anchors.add(slug);
  }
  return anchors;
}
