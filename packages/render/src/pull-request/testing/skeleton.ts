import MarkdownIt, { type Token } from 'markdown-it';

/** What hostile people write into names. */
export const HOSTILE_MARKDOWN = [
  '`',
  '``',
  '`` ` ```',
  '```\n# x\n```',
  '~~~',
  '|',
  '\\|',
  '\\',
  '\\`',
  'a`|b`',
  '# h',
  '\n# h\n',
  'a\n===\n',
  'a\n---\n',
  '- a',
  '\n- [ ] task',
  '1. a',
  '> quote',
  '    code',
  '\t',
  '[x](https://evil.example)',
  '![x](https://evil.example/x.png)',
  '](https://evil.example)',
  '[x][y]\n\n[y]: https://evil.example',
  '[^1]\n\n[^1]: note',
  '<img src=x onerror=alert(1)>',
  '<details>',
  '</details>',
  '</summary>',
  '</code></pre>',
  '<!-- ',
  '-->',
  '<https://evil.example>',
  'https://evil.example',
  'www.evil.example',
  'mallory@evil.example',
  'ssh://git@evil.example',
  '@team',
  '@org/team',
  ' @all ',
  '#12',
  'GH-12',
  'org/repo#1',
  '!12',
  '&12',
  '%12',
  '~bug',
  '$12',
  'deadbeefdeadbeefdeadbeefdeadbeefdeadbeef',
  'org/repo@deadbeef',
  'fixes #1',
  'Closes: GH-1',
  'resolves https://forge.example/o/r/issues/1',
  'closes ABC-1',
  '[skip ci]',
  'ci-skip',
  '***NO_CI***',
  '\n/merge',
  '/close',
  '\n/close\n',
  '\u202e\u2066\u200b\ufeff\u00ad',
  '\u0000\u001b[31m\u0085',
  'a\rb',
  'a\r\nb',
  'a\u2028b\u2029c',
  '\ud800',
  ':smile:',
  '$`x`$',
  '$$\nx\n$$',
  '---\ntitle: x\n---',
  '+ a',
  '- b',
  '@@ -1 +1 @@',
  '&lt;b&gt;&#64;',
  '*a* _b_ ~~c~~',
  '==a== ^b^',
  '{{ x }}',
  '::include{file=x}',
  '[[_TOC_]]',
  '"',
  "'",
  '*/',
  '\n',
  'x'.repeat(2000),
  '`'.repeat(300),
  '__proto__',
] as const;

/** Outside of code, these are all that is ever said. */
const PLAIN_TEXT = /^(?:\[ \] )?[A-Za-z0-9 .,:;!?()'/·→–−+±-]*$/;

const markdown = new MarkdownIt({ html: true, linkify: true });

/**
 * The structure of Markdown as a parser apart from ours reads it: every heading, list, cell, link, fence and piece of
 * HTML, without the content of text and code. Text outside of code is checked to be words and marks of ours.
 * @throws Error if anything else is said outside of code, or becomes a link of its own
 */
export function skeletonOf(text: string): string[] {
  return markdown.parse(text, {}).flatMap((token) => outlineOf(token));
}

function outlineOf(token: Token): string[] {
  switch (token.type) {
    case 'inline':
      return (token.children ?? [])
        .flatMap(outlineOf)
        .filter((line, at, all) => line !== 'text' || all[at - 1] !== 'text');
    case 'text':
      if (!PLAIN_TEXT.test(token.content)) throw new Error(`outside of code: ${token.content}`);
      return token.content === '' ? [] : ['text'];
    case 'code_inline':
      return ['code'];
    case 'fence':
      return [`fence ${token.info}`];
    case 'html_block':
    case 'html_inline':
      return [`html ${token.content}`];
    case 'link_open': {
      if (token.markup === 'linkify') throw new Error(`a link of its own: ${JSON.stringify(token.attrs)}`);
      const href = String(token.attrGet('href') ?? '');
      // Beyond the base stands a path, whose encoding has tests of its own.
      return [`link ${/^https:\/\/forge\.example\/platform\/rbac\/src\/branch\/[\w./%~-]*$/.test(href)}`];
    }
    default:
      return [`${token.type} ${token.tag}`];
  }
}

/** What forges act on in the message of a commit, which they read without Markdown. */
export const COMMIT_COMMANDS =
  /(?<!\w)@\w|\w#\d|(?<!\w)#\d|(?<![\w/.%~-])gh-\d|\/(?:issues|pull|merge_requests)\/\d|\[(?:skip|ci|no)[ _-](?:ci|skip)\]|\*\*\*NO_CI|\b(?:fix|fixes|fixed|close|closes|closed|resolve|resolves|resolved):? +[a-z][a-z0-9]*-\d/i;
