import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allowedByRbac, grantingGroupOf } from './reason.ts';

const binding = 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r"';

describe('grantingGroupOf', () => {
  it.each([
    ['RBAC: allowed by RoleBinding "name/ns" of Role "r" to Group "g"', 'g'],
    ['RBAC: allowed by RoleBinding "name/ns" of ClusterRole "edit" to Group "team web"', 'team web'],
    [`${binding} to Group "system:authenticated"`, 'system:authenticated'],
    ['RBAC: allowed by RoleBinding "rb1/dev" of Role "r1" to User "alice"', ''],
    [`${binding} to ServiceAccount "name/ns"`, ''],
    ['', ''],
    [undefined, ''],
    ['EKS Access Policy: to Group "g"', ''],
    [`${binding} to Group "g" and more`, ''],
    [`${binding} to Group "g`, ''],
    [`${binding} to Group g`, ''],
    [`x${binding} to Group "g"`, ''],
    ['RBAC: allowed by Binding "b" of Role "r" to Group "g"', ''],
    ['RBAC: allowed by RoleBinding "b" of Thing "r" to Group "g"', ''],
    ['RBAC: allowed by RoleBinding b of Role "r" to Group "g"', ''],
  ])('of %j is %j', (reason, group) => {
    expect(grantingGroupOf(reason)).toBe(group);
  });

  it.each([
    [
      String.raw`RBAC: allowed by ClusterRoleBinding "b\" of Role \"r\" to Group \"admins" of ClusterRole "r" to User "u"`,
      '',
    ],
    [
      String.raw`RBAC: allowed by ClusterRoleBinding "x\" to Group \"admins\"" of ClusterRole "r" to Group "g"`,
      'g',
    ],
    [String.raw`${binding} to User "eve\" to Group \"admins"`, ''],
    [`${binding} to User "eve" to Group "admins"`, ''],
    [String.raw`${binding} to Group "a\" to Group \"b"`, 'a" to Group "b'],
    [String.raw`${binding} to Group "back\\"`, 'back\\'],
    [String.raw`${binding} to Group "open\"`, ''],
  ])('is not fooled by quotes in names: %s', (reason, group) => {
    expect(grantingGroupOf(reason)).toBe(group);
  });

  it.each([
    [String.raw`\a\b\f\n\r\t\v\\\"`, '\x07\b\f\n\r\t\v\\"'],
    [String.raw`\x7f\u00ad\U000e0001`, '\x7f\u00ad\u{E0001}'],
    [String.raw`\x00`, '\u{FFFD}'],
    [String.raw`\xff`, '\u{FFFD}'],
    [String.raw`\Uffffffff`, '\u{FFFD}'],
    [String.raw`\u12`, '\u0012'],
    [String.raw`\xzz`, '\u{FFFD}'],
    ['é🐳', 'é🐳'],
  ])('undoes the escapes of %s', (quoted, group) => {
    expect(grantingGroupOf(`${binding} to Group "${quoted}"`)).toBe(group);
  });

  it('gives back any name, quoted as JSON', () => {
    const name = fc.string().filter((text) => !/[\0\ud800-\udfff]/.test(text));
    fc.assert(
      fc.property(name, name, (group, role) => {
        const reason = `RBAC: allowed by RoleBinding ${JSON.stringify(role)} of Role ${JSON.stringify(role)} to Group ${JSON.stringify(group)}`;
        expect(grantingGroupOf(reason)).toBe(group);
      }),
    );
  });

  it('takes a megabyte of quotes', () => {
    expect(grantingGroupOf(`${binding} to Group "${'\\"'.repeat(500_000)}"`)).toBe('"'.repeat(500_000));
    expect(grantingGroupOf(`${binding}${' to Group "'.repeat(100_000)}`)).toBe('');
  });
});

describe('allowedByRbac', () => {
  it.each([
    [undefined, true],
    ['', false],
    ['access granted by IAM permissions.', false],
    [`${binding} to User "u"`, true],
    [`${binding} to Group "g"`, true],
    [`${binding} to Group "system:masters"`, false],
    [String.raw`${binding} to User "x to Group \"system:masters\""`, true],
  ])('with reason %j is %s', (reason, expected) => {
    expect(allowedByRbac(reason, grantingGroupOf(reason))).toBe(expected);
  });
});
