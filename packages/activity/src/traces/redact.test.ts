import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { REDACTED, redactCommand } from './redact.ts';

/** A command as one line, split at spaces; quotes hold an argument of several words together. */
function redacted(...words: string[]): string {
  return redactCommand(words).join(' ');
}

describe('secrets in commands', () => {
  test.each([
    [['psql', '--password', 'hunter2', 'db'], `psql --password ${REDACTED} db`],
    [['mysql', '-p', 'hunter2'], `mysql -p ${REDACTED}`],
    [['mysql', '-phunter2', '-u', 'root'], `mysql -p${REDACTED} -u root`],
    [['sh', '-c', 'mysql -phunter2 -e "select 1"'], `sh -c mysql -p${REDACTED} -e "select 1"`],
    [['sh', '-c', 'PGPASSWORD=hunter2 psql'], `sh -c PGPASSWORD=${REDACTED} psql`],
    [['app', '--token=abc.def'], `app --token=${REDACTED}`],
    [['app', '--api-key', 'k-123', '--verbose'], `app --api-key ${REDACTED} --verbose`],
    [['curl', '-u', 'bob:hunter2', 'http://x/'], `curl -u ${REDACTED} http://x/`],
    [['sh', '-c', 'curl -u bob:hunter2 http://x/'], `sh -c curl -u ${REDACTED} http://x/`],
    [['curl', '-H', 'Authorization: Bearer abc123'], `curl -H Authorization: Bearer ${REDACTED}`],
    [['curl', 'https://bob:hunter2@host/x'], `curl https://${REDACTED}@host/x`],
    [['redis-cli', '-a', 'AKIAIOSFODNN7EXAMPLE'], `redis-cli -a ${REDACTED}`],
    [['echo', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln'], `echo ${REDACTED}`],
    [['echo', 'd41d8cd98f00b204e9800998ecf8427e'], `echo ${REDACTED}`],
    [['echo', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY12'], `echo ${REDACTED}`],
    [['git', 'clone', 'ghp_0123456789abcdefghij0123456789abcdef'], `git clone ${REDACTED}`],
    [['sh', '-c', '{"secret": "hunter2"}'], `sh -c {"secret": ${REDACTED}}`],
    [['app', '--password', '--verbose'], 'app --password --verbose'],
  ])('%j', (words, expected) => {
    expect(redacted(...words)).toBe(expected);
  });

  test.each([
    [['ls', '-la', '/var/lib/postgresql/data']],
    [['mkdir', '-p', '/tmp/a']],
    [['ssh', '-p', '/x', '-p2222', 'host']],
    [['cat', '/etc/nginx/conf.d/default.conf']],
    [['tar', 'xmf', '-', '-C', '/usr/Share/app64/some-long-Folder/with/Many/Parts/in/it']],
    [['psql', '-U', 'app', '-c', 'select count(*) from orders where id = 4711']],
  ])('%j holds none', (words) => {
    expect(redactCommand(words)).toEqual(words);
  });

  test('long arguments and long commands are cut, and show it', () => {
    const words = redactCommand(Array.from({ length: 40 }, () => 'x '.repeat(300)));
    expect(words).toHaveLength(33);
    expect(words.at(-1)).toBe('…');
    expect(words[0]).toHaveLength(257);
  });

  test('a secret at the place where an argument is cut is not shown by half', () => {
    const shown = redacted('sh', '-c', `${'x '.repeat(120)}--token=${'s3cret'.repeat(40)}`);
    expect(shown).not.toContain('s3cret');
  });

  test('a value after a flag for passwords is never shown, whatever it is', () => {
    const secret = fc.stringMatching(/^[a-zA-Z0-9!#%&*+.:;<=>?@^_~]{6,40}$/);
    const flag = fc.constantFrom(
      '--password',
      '--db-password',
      '-p',
      '--token',
      '--client-secret',
      '--api-key',
    );
    fc.assert(
      fc.property(flag, secret, (name, value) => {
        expect(redacted('app', name, value)).toBe(`app ${name} ${REDACTED}`);
        expect(
          redacted('sh', '-c', `app --x=1 ${name === '-p' ? '--pass' : name}=${value.replace(/[;&]/g, '')}`),
        ).not.toContain(value);
      }),
    );
  });

  test('repeated halves of a pattern do not make the work quadratic', () => {
    const words = Array.from({ length: 32 }, () => 'pass-'.repeat(200_000));
    expect(redactCommand(words)).toHaveLength(32);
  });
});
