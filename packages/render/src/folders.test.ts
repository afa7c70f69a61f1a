import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { Subject } from '@leastwise/audit-event';

import { encodeSegment } from './encode-segment.ts';
import { clusterFolder, namespaceFolder, subjectFolder } from './folders.ts';
import { InvariantError } from './invariant-error.ts';
import { HOSTILE_TEXTS } from './testing/objects.ts';

const user = (name: string): Subject => ({ kind: 'User', namespace: '', name });
const account = (namespace: string, name: string): Subject => ({ kind: 'ServiceAccount', namespace, name });

const text = fc.oneof(
  fc.constantFrom(...HOSTILE_TEXTS),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('a', 'A', '.', '%', '2', 'e', '~', '-', '/'), maxLength: 6 }),
  fc.string({ unit: fc.constantFrom('a', 'A', '.', 'é'), minLength: 90, maxLength: 130 }),
);

describe('encodeSegment', () => {
  test.each([
    ['web-1.prod_x', 'web-1.prod_x'],
    ['alice@example.com', 'alice%40example.com'],
    ['system:node:a', 'system%3anode%3aa'],
    ['a/b\\c d%~', 'a%2fb%5cc%20d%25%7e'],
    ['é🔑', '%c3%a9%f0%9f%94%91'],
    ['\ud800', '%ed%a0%80'],
    ['', '%'],
    ['.', '%2e'],
    ['..', '%2e%2e'],
    ['.git', '%2egit'],
    ['a.', 'a%2e'],
    ['con', '%63on'],
    ['nul.txt', '%6eul.txt'],
    ['com1', '%63om1'],
    ['console', 'console'],
    ['ingress-controller', 'ingress-controller'],
  ])('%j becomes %j: no hash where nothing is lost', (from, to) => {
    expect(encodeSegment(from)).toBe(to);
  });

  test('a hash follows where letters were folded', () => {
    expect(encodeSegment('Alice')).toMatch(/^alice~[a-z2-7]{10}$/);
    expect(encodeSegment('ALICE')).not.toBe(encodeSegment('Alice'));
    expect(encodeSegment('É')).toBe('%c3%89');
  });

  test('the hash is of a known value', () => {
    // The first 50 bits of SHA-256('A'): 559aead082 64d5….
    expect(encodeSegment('A')).toBe('a~kwnovuecmt');
  });

  test('a hash follows where the end was cut, never in the middle of an escape', () => {
    expect(encodeSegment('a'.repeat(100))).toBe('a'.repeat(100));
    expect(encodeSegment('a'.repeat(101))).toMatch(/^a{89}~[a-z2-7]{10}$/);
    expect(encodeSegment('@'.repeat(60))).toMatch(/^(?:%40){29}~[a-z2-7]{10}$/);
    expect(encodeSegment('a'.repeat(30), 20)).toMatch(/^a{9}~[a-z2-7]{10}$/);
  });

  test('nobody can choose a name whose folder is the folder of another', () => {
    const taken = encodeSegment('Victim');
    expect(encodeSegment(taken)).not.toBe(taken);
    expect(encodeSegment(decodeURIComponent(taken))).not.toBe(taken);
  });

  test('a limit without room for a hash is a bug', () => {
    expect(() => encodeSegment('a', 11)).toThrow(InvariantError);
  });

  test('gives a segment for every file system, and different ones for different texts', () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 2, maxLength: 20 }), (all) => {
        const segments = all.map((one) => encodeSegment(one));
        for (const segment of segments) {
          expect(segment).toMatch(/^[a-z0-9_%~-](?:[a-z0-9._%~-]{0,98}[a-z0-9_%~-])?$/);
          expect(segment).not.toMatch(/^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/);
        }
        expect(new Set(segments).size).toBe(new Set(all).size);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('subjectFolder', () => {
  test.each([
    [account('kube-system', 'coredns'), 'serviceaccount-kube-system.coredns'],
    [account('a', 'b.c'), 'serviceaccount-a.b.c'],
    [account('a.b', 'c'), 'serviceaccount-a%2eb.c'],
    [account('a', 'b.'), 'serviceaccount-a.b%2e'],
    [user('alice@example.com'), 'user-alice%40example.com'],
    [user('system:kube-scheduler'), 'user-system%3akube-scheduler'],
    [user('..'), 'user-.%2e'],
    [user('con'), 'user-con'],
    [{ kind: 'Group', namespace: '', name: 'dev team' } as const, 'group-dev%20team'],
  ])('%j becomes %s', (subject, folder) => {
    expect(subjectFolder(subject)).toBe(folder);
  });

  test('different subjects have different folders, of at most 100 bytes', () => {
    const subject: fc.Arbitrary<Subject> = fc.record({
      kind: fc.constantFrom('User', 'Group', 'ServiceAccount'),
      namespace: text,
      name: text,
    });
    const key = (one: Subject): string =>
      JSON.stringify([one.kind, one.kind === 'ServiceAccount' ? one.namespace : '', one.name]);
    fc.assert(
      fc.property(fc.array(subject, { minLength: 2, maxLength: 20 }), (all) => {
        const folders = all.map(subjectFolder);
        for (const folder of folders) {
          expect(folder).toMatch(/^(?:user|group|serviceaccount)-[a-z0-9._%~-]*$/);
          expect(folder).not.toMatch(/\.$/);
          expect(folder.length).toBeLessThanOrEqual(100);
        }
        expect(new Set(folders).size).toBe(new Set(all.map(key)).size);
      }),
      { numRuns: 2000 },
    );
  });
});

test('a cluster and a namespace are their own folders, where that is harmless', () => {
  expect(clusterFolder('prod-eu.1')).toBe('prod-eu.1');
  expect(clusterFolder('../x')).toBe('%2e.%2fx');
  expect(namespaceFolder('kube-system')).toBe('kube-system');
  expect(namespaceFolder('con')).toBe('%63on');
});
