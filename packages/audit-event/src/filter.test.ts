import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFilter, parseFilter } from './filter.ts';
import type { FilterAction } from './filter.ts';
import { auditEvent, objectRef, user } from './testing/audit-event.ts';
import type { AuditEvent } from './types.ts';

function passes(rules: readonly string[], event: AuditEvent, defaultAction?: FilterAction): boolean {
  const parsed = rules.map((text) => {
    const rule = parseFilter(text);
    if (typeof rule === 'string') throw new Error(rule);
    return rule;
  });
  return createFilter(parsed, defaultAction)(event);
}

describe('parseFilter', () => {
  it('reads an action and conditions', () => {
    expect(parseFilter('deny user=system:* verb=get,list code=403')).toEqual({
      action: 'deny',
      conditions: [
        { field: 'user', globs: ['system:*'] },
        { field: 'verb', globs: ['get', 'list'] },
        { field: 'code', globs: ['403'] },
      ],
    });
    expect(parseFilter('  allow\tnamespace=  ')).toEqual({
      action: 'allow',
      conditions: [{ field: 'namespace', globs: [''] }],
    });
    expect(parseFilter('deny')).toEqual({ action: 'deny', conditions: [] });
    expect(parseFilter('deny userAgent=a=b')).toEqual({
      action: 'deny',
      conditions: [{ field: 'userAgent', globs: ['a=b'] }],
    });
  });

  it.each([
    ['', 'begins with'],
    ['user=a', 'begins with'],
    ['Deny user=a', 'begins with'],
    ['deny usr=a', '"usr=a" is no condition'],
    ['deny user', '"user" is no condition'],
    ['deny =a', '"=a" is no condition'],
    ['deny toString=a', '"toString=a" is no condition'],
    ['deny user=a user=b', '"user" is there twice'],
  ])('says what is wrong with %j', (text, message) => {
    expect(parseFilter(text)).toContain(message);
  });
});

describe('row 35: createFilter', () => {
  const event = auditEvent({
    requestURI: '/api/v1/namespaces/dev/pods/p1/log',
    verb: 'get',
    code: 403,
    user: user({ username: 'system:kube-scheduler', groups: ['sre', 'system:authenticated'] }),
    objectRef: objectRef({ resource: 'pods', subresource: 'log', namespace: 'dev', name: 'p1' }),
  });

  it.each([
    ['deny user=system:*', false],
    ['deny user=system', true],
    ['deny user=alice,system:*', false],
    ['deny user=*scheduler', false],
    ['deny user=*kube*', false],
    ['deny namespace=dev', false],
    ['deny namespace=', true],
    ['deny verb=get,list', false],
    ['deny verb=list', true],
    ['deny resource=pods/log', false],
    ['deny resource=pods', true],
    ['deny resource=pods*', false],
    ['deny resource=*/log', false],
    ['deny userAgent=kubectl/*', false],
    ['deny userAgent=*(linux/*', false],
    ['deny code=403', false],
    ['deny code=4*', false],
    ['deny code=40', true],
    ['deny group=sre', false],
    ['deny group=system:*', false],
    ['deny group=dev', true],
    ['deny', false],
  ])('%s', (rule, expected) => {
    expect(passes([rule], event)).toBe(expected);
  });

  it('joins the conditions of a rule by AND', () => {
    expect(passes(['deny user=system:* verb=get code=403'], event)).toBe(false);
    expect(passes(['deny user=system:* verb=list code=403'], event)).toBe(true);
  });

  it('lets the first rule that applies decide, and else the default action', () => {
    expect(passes(['allow code=403', 'deny user=*'], event)).toBe(true);
    expect(passes(['deny user=*', 'allow code=403'], event)).toBe(false);
    expect(passes(['allow namespace=my-team-*'], event)).toBe(true);
    expect(passes(['allow namespace=my-team-*'], event, 'deny')).toBe(false);
    expect(passes([], event)).toBe(true);
    expect(passes([], event, 'deny')).toBe(false);
  });

  it('looks at the impersonated user', () => {
    const impersonated = { ...event, impersonatedUser: user({ username: 'dana', groups: ['web'] }) };
    expect(passes(['deny user=system:*'], impersonated)).toBe(true);
    expect(passes(['deny user=dana group=web'], impersonated)).toBe(false);
    expect(passes(['deny group=sre'], impersonated)).toBe(true);
  });

  it('looks at what the authorizer was asked, and at the path of a non-resource request', () => {
    expect(
      passes(
        ['deny namespace=dev resource=pods'],
        auditEvent({ requestURI: '', objectRef: objectRef({ resource: 'pods', namespace: 'dev' }) }),
      ),
    ).toBe(false);
    expect(passes(['deny resource=/healthz'], auditEvent({ requestURI: '/healthz?verbose' }))).toBe(false);
    expect(passes(['deny namespace= resource='], auditEvent({ requestURI: '' }))).toBe(false);
  });
});

describe('globs', () => {
  function matches(glob: string, value: string): boolean {
    return !passes([`deny user=${glob}`], auditEvent({ user: user({ username: value }) }));
  }

  it.each([
    ['*', '', true],
    ['*', 'x', true],
    ['**', 'x', true],
    ['a*', 'a', true],
    ['*a', 'a', true],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['a*b*c', 'abc', true],
    ['a*b*c', 'aXbYc', true],
    ['a*b*c', 'acb', false],
    ['*ab*ab', 'ab', false],
    ['*ab*ab', 'abab', true],
    ['*aba*ba', 'ababa', true],
    ['*aba*ba', 'aba', false],
    ['a.c', 'abc', false],
    ['a?c', 'abc', false],
    ['[ab]', 'a', false],
    ['A', 'a', false],
  ])('%j matches %j: %s', (glob, value, expected) => {
    expect(matches(glob, value)).toBe(expected);
  });

  it('match as the regular expression that they stand for', () => {
    const word = fc
      .array(fc.constantFrom('a', 'b', '*'), { minLength: 1, maxLength: 8 })
      .map((all) => all.join(''));
    const text = fc
      .array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 10 })
      .map((all) => all.join(''));
    fc.assert(
      fc.property(word, text, (glob, value) => {
        expect(matches(glob, value)).toBe(new RegExp(`^${glob.replaceAll('*', '.*')}$`).test(value));
      }),
      { numRuns: 2000 },
    );
  });

  it('do not backtrack: thirty stars on a megabyte', () => {
    expect(matches(`${'*a'.repeat(30)}*b`, 'a'.repeat(1_000_000))).toBe(false);
  });
});
