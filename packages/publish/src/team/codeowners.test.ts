import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { parseCodeowners, CODEOWNERS_PATHS, type CodeownersDialect } from './index.ts';

function owners(dialect: CodeownersDialect, text: string, paths: readonly string[]): Record<string, string> {
  const { ownersOf } = parseCodeowners(text, dialect);
  return Object.fromEntries(paths.map((path) => [path, ownersOf(path).join(' ')]));
}

function expectOwners(dialect: CodeownersDialect, text: string, expected: Record<string, string>): void {
  expect(owners(dialect, text, Object.keys(expected))).toEqual(expected);
}

function problems(dialect: CodeownersDialect, text: string): string[] {
  return parseCodeowners(text, dialect).problems.map(
    ({ line, reason, detail }) => `${line} ${reason}: ${detail}`,
  );
}

test('the file stands where its forge looks for it', () => {
  expect(CODEOWNERS_PATHS).toEqual({
    github: ['.github/CODEOWNERS', 'CODEOWNERS', 'docs/CODEOWNERS'],
    gitlab: ['CODEOWNERS', 'docs/CODEOWNERS', '.gitlab/CODEOWNERS'],
    gitea: ['CODEOWNERS', 'docs/CODEOWNERS', '.gitea/CODEOWNERS'],
  });
});

describe('GitHub', () => {
  // The patterns of GitHub's documentation, in its order.
  const DOCUMENTED = `# This is a comment.
*       @global-owner1 @global-owner2
*.js    @js-owner #This is an inline comment.
*.go docs@example.com
*.txt @octo-org/octocats
/build/logs/ @doctocat
docs/*  docs@example.com
apps/ @octocat
/docs/ @doctocat
/scripts/ @doctocat @octocat
**/logs @octocat
/apps/ @octocat
/apps/github
`;

  test('the example of its documentation', () => {
    expectOwners('github', DOCUMENTED, {
      'a.md': '@global-owner1 @global-owner2',
      'deep/down/a.md': '@global-owner1 @global-owner2',
      'src/a.js': '@js-owner',
      'a.go': 'docs@example.com',
      'x/y.txt': '@octo-org/octocats',
      'build/logs/a/b.txt': '@octocat',
      'build/log/a': '@global-owner1 @global-owner2',
      'docs/getting-started.md': '@doctocat',
      'docs/build-app/troubleshooting.md': '@doctocat',
      'x/docs/a.md': '@global-owner1 @global-owner2',
      'some/apps/a/b': '@octocat',
      'scripts/a': '@doctocat @octocat',
      'deeply/nested/logs': '@octocat',
      'deeply/nested/logs/a.js': '@octocat',
      'apps/a.js': '@octocat',
      'apps/github': '',
      'apps/github/a.js': '',
      'apps/githubs': '@octocat',
    });
    expect(problems('github', DOCUMENTED)).toEqual([]);
  });

  test.each([
    ['docs/*', ['docs/a'], ['docs/a/b', 'x/docs/a', 'docs']],
    ['/*', ['a'], ['a/b']],
    ['*', ['a', 'a/b', '.a/.b'], []],
    ['docs', ['docs', 'docs/a', 'x/docs/a/b'], ['docs2', 'mydocs']],
    ['docs/', ['docs/a', 'x/docs/a/b'], ['docs', 'docs2/a']],
    ['/docs/', ['docs/a/b'], ['x/docs/a']],
    ['a/b', ['a/b', 'a/b/c'], ['x/a/b']],
    ['a/**', ['a/b', 'a/b/c'], ['a', 'x/a/b']],
    ['a/**/z', ['a/z', 'a/b/z', 'a/b/c/z', 'a/z/y'], ['a/bz']],
    ['**/z', ['z', 'a/z', 'a/b/z'], ['az']],
    ['**', ['a', 'a/b'], []],
    ['/a*b?c', ['abxc', 'axxbyc', 'abxc/d'], ['ab/c', 'abc', 'x/abxc']],
    ['a**b/c', ['axxb/c', 'ab/c'], ['a/b/c']],
    [
      'clusters/*/namespaces/pay-*/',
      ['clusters/prod/namespaces/pay-1/s/rbac.yaml'],
      ['clusters/a/b/namespaces/pay-1/s'],
    ],
    ['path\\ with\\ spaces/', ['path with spaces/a'], ['path']],
    ['a.c', ['a.c'], ['abc']],
    ['(a|b)+', ['(a|b)+'], ['a']],
  ])('%s', (pattern, yes, no) => {
    const { ownersOf } = parseCodeowners(`${pattern} @x`, 'github');
    expect([...yes, ...no].filter((path) => ownersOf(path).length > 0)).toEqual(yes);
  });

  test('what its documentation calls invalid is told and passed over', () => {
    const text = '* @a\n!x @b\n[ab].c @b\n\\#x @b\nok bob\nx//y @b\n/ @b\nx\\ @b\n\r\n';
    expect(problems('github', text)).toEqual([
      '2 invalid-pattern: GitHub takes no pattern "!x"',
      '3 invalid-pattern: GitHub takes no pattern "[ab].c"',
      '4 invalid-pattern: GitHub takes no pattern "\\\\#x"',
      '5 invalid-owner: "bob" is no owner',
      '6 invalid-pattern: GitHub takes no pattern "x//y"',
      '7 invalid-pattern: GitHub takes no pattern "/"',
    ]);
    expectOwners('github', text, { x: '@a', 'a.c': '@a', ok: '@a', '#x': '@a' });
  });
});

describe('GitLab', () => {
  test('the example of its documentation', () => {
    const text = `# Specify a default Code Owner for all files with a wildcard:
* @default-owner
README.md @doc-team @tech-lead
*.rb @ruby-owner
LICENSE @legal janedoe@gitlab.com
README @group @group/with-nested/subgroup
/docs/ @all-docs
/docs/* @root-docs
/docs/**/*.md @markdown-docs  # Match specific file types in any subdirectory
/db/**/index.md @index-docs   # Match a specific file name in any subdirectory
[Documentation]
ee/docs    @docs
docs       @docs
/config/ @@maintainer
`;
    expectOwners('gitlab', text, {
      'a/b': '@default-owner',
      'x/README.md': '@doc-team @tech-lead',
      'lib/a.rb': '@ruby-owner',
      LICENSE: '@legal janedoe@gitlab.com',
      README: '@group @group/with-nested/subgroup',
      'docs/a': '@root-docs',
      'docs/a/b': '@all-docs',
      'docs/a.md': '@markdown-docs',
      'docs/a/b/c.md': '@markdown-docs',
      'db/index.md': '@index-docs',
      'db/a/b/index.md': '@index-docs',
      // A name without a slash at its end is a file.
      docs: '@default-owner @docs',
      'x/ee/docs': '@default-owner @docs',
      'config/a': '@default-owner',
    });
    expect(problems('gitlab', text)).toEqual([
      '9 invalid-owner: "#" is no owner',
      '10 invalid-owner: "#" is no owner',
      '14 invalid-owner: "@@maintainer" is a role, and no reviewer',
    ]);
  });

  test('each section speaks for itself', () => {
    const text = `* @admin

[README Owners]
README.md @user1 @user2
internal/README.md @user4

[README other owners]
README.md @user3
`;
    expectOwners('gitlab', text, {
      'README.md': '@admin @user1 @user2 @user3',
      'internal/README.md': '@admin @user4 @user3',
    });
  });

  test('sections have default owners, may be optional, and may ask for several approvals', () => {
    const text = `* @general-approvers

[Documentation][2] @docs-team
docs/
README.md
*.txt

^[Database] @database-team @agarcia
model/db/
config/db/database-setup.md @docs-team
`;
    expectOwners('gitlab', text, {
      'model/db/CHANGELOG.txt': '@general-approvers @docs-team @database-team @agarcia',
      'config/db/database-setup.md': '@general-approvers @docs-team',
      'a/docs/b': '@general-approvers @docs-team',
    });
  });

  test('sections of one name, in any letters, are one', () => {
    const text =
      '[Documentation]\nee/docs/    @docs\ndocs/       @docs\n\n[Database]\nREADME.md  @database\nmodel/db/   @database\n\n[DOCUMENTATION]\nREADME.md  @docs\ndocs/x @late\n';
    expectOwners('gitlab', text, { 'README.md': '@docs @database', 'docs/x': '@late', 'docs/y': '@docs' });
  });

  test('exclusions count in their section, and nothing brings a file back', () => {
    const text = `* @default-owner
!*.rb
/special/*.rb @ruby-owner

[Ruby]
*.rb @ruby-team
!/config/**/*.rb
/config/routes.rb @ops

[Config]
/config/ @ops-team
!**/generated/
`;
    expectOwners('gitlab', text, {
      'special/a.rb': '@ruby-team',
      'config/routes.rb': '@ops-team',
      'config/generated/a': '@default-owner',
      'a.rb': '@ruby-team',
    });
  });

  test.each([
    ['/README.md', ['README.md'], ['docs/README.md']],
    ['internal/README.md', ['internal/README.md', 'docs/api/internal/README.md'], ['README.md']],
    ['/docs/*.md', ['docs/a.md', 'docs/.md'], ['docs/a/b.md']],
    ['/docs/*spec*', ['docs/qa_specs.rb', 'docs/spec_helpers.rb', 'docs/runtime.spec'], ['docs/a/spec']],
    ['/docs/*/README.md', ['docs/api/README.md'], ['docs/README.md', 'docs/a/b/README.md']],
    ['/docs/**', ['docs/a'], ['docs/a/b']],
    ['/docs/**/*', ['docs/a', 'docs/a/.b'], ['docs']],
    ['/[a-c]?[!x]', ['axy', 'b.z'], ['ax/', 'dxy', 'axx', 'a/y']],
    ['/a[+-9]b[^x]c', ['a-b-c', 'a0byc'], ['a/b-c', 'a-b/c', 'a-bxc', 'a:b-c']],
    ['/[a\\]-]', [']', '-', 'a'], ['b', '\\']],
    ['\\#file_with_pound.rb', ['#file_with_pound.rb', 'x/#file_with_pound.rb'], ['file_with_pound.rb']],
    ['path\\ with\\ spaces/', ['path with spaces/a', 'x/path with spaces/a/b'], ['path']],
    ['/', ['a', 'a/b'], []],
  ])('%s', (pattern, yes, no) => {
    const { ownersOf } = parseCodeowners(`${pattern} @x`, 'gitlab');
    expect([...yes, ...no].filter((path) => ownersOf(path).length > 0)).toEqual(yes);
  });

  test('what is damaged is told, and the rest counts', () => {
    const text = '* @group user_without_at_symbol @user\n[Section name\n[]\ndocs/\n[ab @c\n/[a @c\n! @x\n';
    expect(problems('gitlab', text)).toEqual([
      '1 invalid-owner: "user_without_at_symbol" is no owner',
      '2 invalid-section: the head of a section is not closed by ]',
      '3 invalid-section: a section has no name',
      '4 invalid-owner: nobody is named',
      '5 invalid-section: the head of a section is not closed by ]',
      '6 invalid-pattern: GitLab takes no pattern "/[a"',
      '7 invalid-pattern: GitLab takes no pattern ""',
    ]);
    expectOwners('gitlab', text, { a: '@group @user', 'docs/a': '' });
  });
});

describe('Gitea', () => {
  test('the example of its documentation', () => {
    const text = `.*\\\\.go @user1 @user2 # This is comment

# Comment too
# You can assigning code owning for users or teams
frontend/src/.*\\\\.js @org1/team1 @org1/team2 @user3

# You can use negative pattern
!frontend/src/.* @org1/team3 @user5

# You can use power of go regexp
docs/(aws|google|azure)/[^/]*\\\\.(md|txt) @user8 @org1/team4
!/assets/.*\\\\.(bin|exe|msi) @user9
`;
    expect(problems('gitea', text)).toEqual([]);
    expectOwners('gitea', text, {
      'a/b.go': '@user1 @user2 @org1/team3 @user5 @user9',
      'a/bxgo': '@org1/team3 @user5 @user9',
      'frontend/src/a.js': '@org1/team1 @org1/team2 @user3 @user9',
      'frontend/src/a.ts': '@user9',
      'docs/aws/a.md': '@org1/team3 @user5 @user8 @org1/team4 @user9',
      'docs/aws/b/a.md': '@org1/team3 @user5 @user9',
    });
  });

  test('a line is taken as Gitea takes it', () => {
    expectOwners(
      'gitea',
      'dir/with\\#hashtag @a\npath\\ with\\ space @b\npath/with\\\\\\\\backslash @c\n\tx/.*\t@d\t\r\n',
      {
        'dir/with#hashtag': '@a',
        'path with space': '@b',
        'path/with\\backslash': '@c',
        'x/y': '@d',
        'z/x/y': '',
      },
    );
  });

  test('an expression has to match the whole path, but for a choice, whose ends are loose', () => {
    expectOwners('gitea', 'README @a\nx|y @b\n', {
      README: '@a',
      README2: '',
      'a/README': '',
      xa: '@b',
      ay: '@b',
      ax: '',
    });
  });

  test('users need no @', () => {
    expectOwners('gitea', '.* bob org/team\n', { a: '@bob @org/team' });
  });

  test('what is not understood is told, and the rest counts', () => {
    expect(problems('gitea', '(?i)a @x\na( @x\n.*\n.* @x bo\\ b\n.* %\nx((a{999}){999}){999} @x\n')).toEqual([
      '1 not-understood: a group (?…) other than (?:…)',
      '2 not-understood: a ( is not closed',
      '3 invalid-owner: nobody is named',
      '4 invalid-owner: "@bo b" is no owner',
      '5 invalid-owner: "@%" is no owner',
      '6 not-understood: the expression repeats too much',
    ]);
  });
});

describe('any of them', () => {
  const dialects: CodeownersDialect[] = ['github', 'gitlab', 'gitea'];

  test('reads no file that its forge would not read', () => {
    const text = `* @a\n${'# x\n'.repeat(750_000)}`;
    for (const dialect of dialects) {
      const { ownersOf, problems: found } = parseCodeowners(text, dialect);
      expect(ownersOf('a')).toEqual([]);
      expect(found.map(({ reason }) => reason)).toEqual(['too-large']);
    }
  });

  test('never throws, names valid owners only, and each once', () => {
    const word = fc.constantFrom(
      '*',
      '**',
      '/',
      'a',
      'a/',
      '@x',
      '@o/t',
      'x@y',
      '[',
      ']',
      '!',
      '^',
      '\\',
      '#',
      '(',
      ')',
      '|',
      '+',
      '?',
      '{2}',
      ' ',
      '\n',
      '.',
      '@@developer',
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...dialects),
        fc.array(word, { maxLength: 40 }),
        fc.string({ unit: 'binary' }),
        (dialect, words, path) => {
          const { ownersOf } = parseCodeowners(words.join(''), dialect);
          for (const each of [path, 'a', 'a/a']) {
            const found = ownersOf(each);
            expect(new Set(found).size).toBe(found.length);
            for (const owner of found) expect(owner).toMatch(/^@[\w./-]+$|^[^@\s]+@[\w.-]+$/);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test('takes a hostile path in its stride', () => {
    const text = '*a*a*a*a*a*a*a*b @x\n**/a/**/a/**/a/**/a/b @x\n(a+)+b @x\n';
    for (const dialect of dialects) {
      const { ownersOf } = parseCodeowners(text, dialect);
      expect(ownersOf('a'.repeat(5_000))).toEqual([]);
      expect(ownersOf('a/'.repeat(2_500))).toEqual([]);
    }
  });
});
