import { describe, expect, test } from 'vitest';

import { CliError } from './exit.ts';
import {
  boolFlag,
  day,
  days,
  keyValues,
  kubernetesVersion,
  oneOf,
  policyOptions,
  resourceNames,
} from './policy-flags.ts';

describe('flags', () => {
  test.each([
    [() => oneOf('Role', 'ClusterRole')('clusterrole'), 'ClusterRole'],
    [() => boolFlag('false'), false],
    [() => days('30'), 30],
    [() => day('1970-01-02'), 1],
    [() => kubernetesVersion('v1.34.1'), { major: 1, minor: 34 }],
    [() => kubernetesVersion('1.35'), { major: 1, minor: 35 }],
    [() => resourceNames('10'), 10],
    [() => resourceNames('omit'), 'Omit'],
    [() => keyValues('a=b,c=d=e,f='), { a: 'b', c: 'd=e', f: '' }],
  ])('%s', (parse, expected) => {
    expect(parse()).toEqual(expected);
  });

  test.each([
    () => oneOf('Role')('Rolle'),
    () => boolFlag('yes'),
    () => days('0'),
    () => days('1.5'),
    () => day('2026-13-01'),
    () => day('yesterday'),
    () => kubernetesVersion('latest'),
    () => resourceNames('-1'),
    () => keyValues('a'),
    () => keyValues('=b'),
  ])('a value that does not parse stops the command: %s', (parse) => {
    expect(parse).toThrow(CliError);
  });
});

describe('options from flags', () => {
  test('what the user says wins over the preset, the preset over the defaults', () => {
    expect(policyOptions({})).toMatchObject({
      resourceNames: 10,
      includeDenied: false,
      specialVerbs: 'Withhold',
    });
    expect(policyOptions({ preset: 'audit2rbac' })).toMatchObject({
      resourceNames: 'Explicit',
      includeDenied: true,
      expandMultiName: true,
    });
    expect(policyOptions({ preset: 'audit2rbac', includeDenied: false, resourceNames: 3 })).toMatchObject({
      includeDenied: false,
      resourceNames: 3,
      expandMultiName: true,
    });
  });

  test('--generate-kind is the scope mode by the name that users of audit2rbac try', () => {
    expect(policyOptions({ generateKind: 'ClusterRole' }).scopeMode).toBe('ClusterScopeAllowed');
    expect(policyOptions({ generateKind: 'Role' }).scopeMode).toBe('NamespaceStrict');
    expect(() => policyOptions({ generateKind: 'Role', scopeMode: 'ClusterScopeAllowed' })).toThrow(CliError);
  });

  test('the bootstrap defaults of the chosen version are never granted again', () => {
    expect(
      policyOptions({ kubernetesVersion: { major: 1, minor: 30 } }).existing.map(
        (each) => each.metadata.name,
      ),
    ).toContain('system:discovery');
  });
});
