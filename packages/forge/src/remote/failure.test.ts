import { describe, expect, test } from 'vitest';

import { forgeErrorOf } from './failure.ts';

function failureOf(stderr: string): string {
  const result = { exitCode: 128, stdout: Buffer.alloc(0), stderr, hasTimedOut: false };
  return forgeErrorOf('cannot fetch', result, []).failure;
}

describe('what git and servers say', () => {
  test.each([
    ["fatal: Authentication failed for 'https://github.com/a/b/'", 'unauthorized'],
    ["fatal: could not read Username for 'https://h': terminal prompts disabled", 'unauthorized'],
    [
      'git@github.com: Permission denied (publickey).\nfatal: Could not read from remote repository.',
      'unauthorized',
    ],
    [
      'ERROR: Permission to a/b.git denied to robot.\nfatal: Could not read from remote repository.',
      'unauthorized',
    ],
    ["fatal: unable to access 'https://h/': The requested URL returned error: 403", 'unauthorized'],
    ["fatal: unable to access 'https://h/': The requested URL returned error: 429", 'rate-limited'],
    ["fatal: unable to access 'https://h/': The requested URL returned error: 503", 'unreachable'],
    ["fatal: unable to access 'https://h/': The requested URL returned error: 301", 'not-found'],
    ["fatal: repository 'https://h/a/' not found", 'not-found'],
    ['ERROR: Repository not found.\nfatal: Could not read from remote repository.', 'not-found'],
    ["fatal: '/nowhere' does not appear to be a git repository", 'not-found'],
    ["fatal: unable to access 'https://h/': Could not resolve host: h", 'unreachable'],
    ['ssh: connect to host h port 22: Connection refused\nfatal: Could not read from remote', 'unreachable'],
    ['Host key verification failed.\nfatal: Could not read from remote repository.', 'unreachable'],
    ["fatal: unable to access 'https://h/': server certificate verification failed.", 'unreachable'],
    ['fatal: the remote end hung up unexpectedly', 'unreachable'],
    ['fatal: remote error: upload-pack: not our ref abc', 'conflict'],
    ['error: Server does not allow request for unadvertised object abc', 'conflict'],
    ["fatal: detected dubious ownership in repository at '/srv/x'", 'refused'],
    ["fatal: transport 'ext' not allowed", 'refused'],
    ['fatal: something new', 'unexpected'],
  ])('%j is %s', (stderr, failure) => {
    expect(failureOf(stderr)).toBe(failure);
  });

  function messageOf(stderr: string): string {
    const result = { exitCode: 128, stdout: Buffer.alloc(0), stderr, hasTimedOut: false };
    return forgeErrorOf('cannot fetch', result, ['t0ken', 'dDBrZW4=']).message;
  }

  test('is shown without secrets, the user part of addresses, and control characters', () => {
    const said =
      'remote: \u001b[31mt0ken\u202e dDBrZW4=\r\nremote: https://me:pw@host/x http://k@h\n\nfatal: end\n';
    expect(messageOf(said)).toBe(
      'cannot fetch: remote: [31m… … | remote: https://…@host/x http://…@h | fatal: end',
    );
  });

  test('is shown in part where it is long: the end', () => {
    const message = messageOf(`${'x\n'.repeat(100)}${'y'.repeat(2000)}\nfatal: end`);
    expect(message.length).toBeLessThan(700);
    expect(message.endsWith('y | fatal: end')).toBe(true);
  });

  test('a call that took too long did not reach anybody', () => {
    const result = { exitCode: 1, stdout: Buffer.alloc(0), stderr: 'fatal: 403', hasTimedOut: true };
    expect(forgeErrorOf('cannot fetch', result, []).failure).toBe('unreachable');
  });
});
