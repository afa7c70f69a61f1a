import { resolve } from 'node:path';

import { describe, expect, test } from 'vitest';

import { PublishError } from '@leastwise/publish';

import { parseRemoteUrl } from './remote-url.ts';

describe('the address of a remote', () => {
  test.each([
    ['https://github.com/org/repo.git', 'https', 'https://github.com'],
    ['https://git.example.com:8443/a/b', 'https', 'https://git.example.com:8443'],
    ['http://127.0.0.1:3000/a/b', 'http', 'http://127.0.0.1:3000'],
    ['http://localhost/a', 'http', 'http://localhost'],
    ['http://[::1]:3000/a', 'http', 'http://[::1]:3000'],
    ['ssh://git@github.com:22/org/repo.git', 'ssh', undefined],
    ['ssh://host/path', 'ssh', undefined],
    ['git@github.com:org/repo.git', 'ssh', undefined],
    ['host:path', 'ssh', undefined],
    ['file:///srv/policies.git', 'file', undefined],
    ['/srv/policies.git', 'file', undefined],
    ['/srv/a:b', 'file', undefined],
  ])('%s', (url, scheme, origin) => {
    expect(parseRemoteUrl(url)).toEqual({ url, scheme, origin });
  });

  test('a relative path becomes an absolute one', () => {
    expect(parseRemoteUrl('./a:b').url).toBe(resolve('./a:b'));
    expect(parseRemoteUrl('policies').url).toBe(resolve('policies'));
  });

  test.each([
    ['ext::sh -c "touch /tmp/x"', 'helper program'],
    ['fd::7', 'helper program'],
    ['ftp://host/path', 'scheme'],
    ['git://host/path', 'scheme'],
    ['http://git.example.com/a', 'for this machine only'],
    ['http://127.0.0.1.example.com/a', 'for this machine only'],
    ['https://user:s3cret@host/a', 'credential'],
    ['https://s3cret@host/a', 'credential'],
    ['ssh://user:s3cret@host/a', 'credential'],
    ['https://host/a?token=s3cret', 'query'],
    ['https://host/a#s3cret', 'query'],
    ['ssh://-oProxyCommand=x/a', 'dash'],
    ['ssh://-l@host/a', 'dash'],
    ['-oProxyCommand=x:a', 'dash'],
    ['git@-oProxyCommand=x:a', 'names no host'],
    ['git@-host:a', 'names no host'],
    ['--upload-pack=x', 'dash'],
    ['https://', 'cannot be read'],
    ['/a\nb', 'control character'],
    ['', 'empty'],
  ])('%j is refused and not repeated', (url, why) => {
    const parse = () => parseRemoteUrl(url);
    expect(parse).toThrow(PublishError);
    expect(parse).toThrow(why);
    expect(parse).not.toThrow('s3cret');
  });
});
