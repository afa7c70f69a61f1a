import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allowedByRbac, grantedBy } from './reason.ts';
import type { GrantingBinding } from './types.ts';

const binding = 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r"';

function groupOf(reason: string | undefined): string {
  return grantedBy(reason).group;
}

/** A binding in few words: `RoleBinding ns/name Role/r`. */
function bindingOf(reason: string | undefined): string {
  const found = grantedBy(reason).binding;
  return found ? `${found.kind} ${found.namespace}/${found.name} ${found.roleKind}/${found.roleName}` : '';
}

describe('the group that a reason names', () => {
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
    expect(groupOf(reason)).toBe(group);
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
    expect(groupOf(reason)).toBe(group);
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
    expect(groupOf(`${binding} to Group "${quoted}"`)).toBe(group);
  });

  it('gives back any name, quoted as JSON', () => {
    const name = fc.string().filter((text) => !/[\0\ud800-\udfff]/.test(text));
    fc.assert(
      fc.property(name, name, (group, role) => {
        const reason = `RBAC: allowed by RoleBinding ${JSON.stringify(role)} of Role ${JSON.stringify(role)} to Group ${JSON.stringify(group)}`;
        expect(groupOf(reason)).toBe(group);
      }),
    );
  });

  it('takes a megabyte of quotes', () => {
    expect(groupOf(`${binding} to Group "${'\\"'.repeat(500_000)}"`)).toBe('"'.repeat(500_000));
    expect(groupOf(`${binding}${' to Group "'.repeat(100_000)}`)).toBe('');
  });
});

describe('the binding that a reason names', () => {
  it.each([
    ['RBAC: allowed by RoleBinding "rb1/dev" of Role "r1" to User "alice"', 'RoleBinding dev/rb1 Role/r1'],
    [
      'RBAC: allowed by RoleBinding "rb/dev" of ClusterRole "edit" to Group "g"',
      'RoleBinding dev/rb ClusterRole/edit',
    ],
    [`${binding} to ServiceAccount "name/ns"`, 'ClusterRoleBinding /b ClusterRole/r'],
    [
      'RBAC: allowed by ClusterRoleBinding "system:node-proxier" of ClusterRole "system:node" to User "u"',
      'ClusterRoleBinding /system:node-proxier ClusterRole/system:node',
    ],
  ])('of %j is %j', (reason, expected) => {
    expect(bindingOf(reason)).toBe(expected);
  });

  it.each([
    ['no reason', undefined],
    ['an empty one', ''],
    ['another authorizer', 'EKS: allowed by ClusterRoleBinding "b" of ClusterRole "r" to User "u"'],
    ['no subject', binding],
    ['an unknown subject', `${binding} to Robot "r"`],
    ['more than a subject', `${binding} to User "u" and more`],
    ['a name that is open', `${binding} to User "u`],
    ['a Role for the whole cluster', 'RBAC: allowed by ClusterRoleBinding "b" of Role "r" to User "u"'],
    [
      'a ClusterRoleBinding in a namespace',
      'RBAC: allowed by ClusterRoleBinding "b/ns" of ClusterRole "r" to User "u"',
    ],
    ['a RoleBinding in no namespace', 'RBAC: allowed by RoleBinding "b" of Role "r" to User "u"'],
    ['a RoleBinding in an empty namespace', 'RBAC: allowed by RoleBinding "b/" of Role "r" to User "u"'],
    ['a RoleBinding without a name', 'RBAC: allowed by RoleBinding "/ns" of Role "r" to User "u"'],
    ['a name with a slash', 'RBAC: allowed by RoleBinding "a/b/ns" of Role "r" to User "u"'],
    ['a role with a slash', 'RBAC: allowed by RoleBinding "b/ns" of Role "r/s" to User "u"'],
    ['a role without a name', 'RBAC: allowed by RoleBinding "b/ns" of Role "" to User "u"'],
  ])('is none: %s', (_, reason) => {
    expect(bindingOf(reason)).toBe('');
  });

  it('is not one that a name pretends to be', () => {
    const user = String.raw`eve\" of ClusterRole \"admin\" to User \"x`;
    expect(bindingOf(`${binding} to User "${user}"`)).toBe('ClusterRoleBinding /b ClusterRole/r');
    const name = String.raw`b\" of Role \"r\" to User \"u`;
    const reason = `RBAC: allowed by RoleBinding "${name}/ns" of Role "q" to User "u"`;
    expect(grantedBy(reason).binding).toEqual({
      kind: 'RoleBinding',
      namespace: 'ns',
      name: 'b" of Role "r" to User "u',
      roleKind: 'Role',
      roleName: 'q',
    });
  });

  it('has no NUL', () => {
    expect(bindingOf('RBAC: allowed by RoleBinding "a\0/n\0" of Role "r\0" to User "u"')).toBe(
      'RoleBinding n\u{FFFD}/a\u{FFFD} Role/r\u{FFFD}',
    );
  });

  it('is the one that the API server wrote down, whatever its names are', () => {
    const name = fc.string({ minLength: 1 }).filter((text) => !/[\0/\ud800-\udfff]/.test(text));
    const namespaced = fc.record({
      kind: fc.constant('RoleBinding' as const),
      namespace: name,
      name,
      roleKind: fc.constantFrom('Role' as const, 'ClusterRole' as const),
      roleName: name,
    });
    const clusterWide = fc.record({
      kind: fc.constant('ClusterRoleBinding' as const),
      namespace: fc.constant(''),
      name,
      roleKind: fc.constant('ClusterRole' as const),
      roleName: name,
    });
    const anyBinding: fc.Arbitrary<GrantingBinding> = fc.oneof(namespaced, clusterWide);
    fc.assert(
      fc.property(anyBinding, fc.constantFrom('User', 'Group', 'ServiceAccount'), name, (each, kind, who) => {
        const text = each.namespace === '' ? each.name : `${each.name}/${each.namespace}`;
        const role = `${each.roleKind} ${JSON.stringify(each.roleName)}`;
        const to = `${kind} ${JSON.stringify(who)}`;
        const reason = `RBAC: allowed by ${each.kind} ${JSON.stringify(text)} of ${role} to ${to}`;
        expect(grantedBy(reason)).toEqual({ group: kind === 'Group' ? who : '', binding: each });
      }),
    );
  });

  it('takes a megabyte of slashes', () => {
    const slashes = '/'.repeat(1_000_000);
    expect(bindingOf(`RBAC: allowed by RoleBinding "${slashes}" of Role "r" to User "u"`)).toBe('');
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
    expect(allowedByRbac(reason, groupOf(reason))).toBe(expected);
  });
});
