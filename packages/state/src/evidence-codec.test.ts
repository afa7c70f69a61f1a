import { bindingKey, emptyEvidence, type Evidence, mergeEvidence } from '@leastwise/rbac';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { encodeEvidence, evidenceText, readEvidence } from './evidence-codec.ts';
import { Fields } from './fields.ts';

const text = fc.string({ unit: 'binary', maxLength: 6 });
const naming = fc.record({ key: text, lastDay: fc.integer({ min: -100, max: 100_000 }) });

const evidence = fc
  .record({
    count: fc.nat(),
    firstSeenUs: fc.nat(),
    lastSeenUs: fc.nat(),
    firstAuditID: text,
    lastAuditID: text,
    days: fc.uniqueArray(fc.nat(30), { maxLength: 8 }),
    grantingGroups: fc.uniqueArray(text, { maxLength: 4 }),
    grantingBindings: fc.uniqueArray(naming, { maxLength: 4, selector: ({ key }) => key }),
    clients: fc.nat(255),
    viaRbac: fc.boolean(),
  })
  .map((drawn): Evidence => ({
    ...drawn,
    days: drawn.days.sort((a, b) => a - b),
    grantingGroups: drawn.grantingGroups.sort(),
    grantingBindings: drawn.grantingBindings.sort((a, b) => (a.key < b.key ? -1 : 1)),
  }));

describe('evidence as text', () => {
  it('is read as it was written, whichever way that was', () => {
    fc.assert(
      fc.property(evidence, (each) => {
        const written = evidenceText(each);
        expect(written).toBe(JSON.stringify(encodeEvidence(each)));
        expect(readEvidence(Fields.parse(written))).toEqual(each);
      }),
    );
  });

  it('has bindings at its end, and is without them what it was before there were any', () => {
    const plain: Evidence = {
      ...{ ...emptyEvidence(), count: 2, firstSeenUs: 5, lastSeenUs: 9, firstAuditID: 'a', lastAuditID: 'b' },
      ...{ days: [3, 4, 8], grantingGroups: ['g'], clients: 6, viaRbac: true },
    };
    expect(evidenceText(plain)).toBe('[2,5,9,"a","b",[3,2,8,1],["g"],6,1]');
    const named = { ...plain, grantingBindings: [{ key: 'ns1/a/Role/r', lastDay: 8 }] };
    expect(evidenceText(named)).toBe('[2,5,9,"a","b",[3,2,8,1],["g"],6,1,["ns1/a/Role/r",8]]');
  });

  it('shares the list of a binding, however often it is read', () => {
    const binding = {
      kind: 'RoleBinding',
      namespace: 'n',
      name: 'b',
      roleKind: 'Role',
      roleName: 'r',
    } as const;
    const named = { ...emptyEvidence(), grantingBindings: [{ key: bindingKey(binding), lastDay: 7 }] };
    const [one, other] = [0, 1].map(() => readEvidence(Fields.parse(evidenceText(named))));
    expect(one?.grantingBindings).toBe(other?.grantingBindings);
    if (one && other) mergeEvidence(one, other);
    expect(one?.grantingBindings).toBe(other?.grantingBindings);
  });
});
