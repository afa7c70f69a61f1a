import { describe, expect, test } from 'vitest';

import { ownFolder } from '../testing/command.ts';
import { explaining } from './testing/explained.ts';
import { event, reason } from './testing/log.ts';

const GROUP = 'rbac.authorization.k8s.io';

const { written, explainedJson } = explaining(ownFolder());

describe('explain in JSON', () => {
  test('has a fixed form', async () => {
    const refused = reason('forbid', '');
    const rbac = reason(
      'allow',
      'RBAC: allowed by RoleBinding "readers/ns1" of Role "reader" to User "alice"',
    );
    const log =
      event('alice', 'list pods', { ...rbac, auditID: 'a' }) +
      event('alice', 'list pods', { ...refused, auditID: 'b' });
    const held = await written(
      `{apiVersion: ${GROUP}/v1, kind: Role, metadata: {name: reader, namespace: ns1}, rules: [{apiGroups: [""], resources: [pods], verbs: [list, get]}]}\n` +
        `---\n{apiVersion: ${GROUP}/v1, kind: RoleBinding, metadata: {name: readers, namespace: ns1}, roleRef: {apiGroup: ${GROUP}, kind: Role, name: reader}, subjects: [{kind: User, name: alice}]}\n`,
    );
    const { code, value } = await explainedJson(log, 'user:alice', '--rbac', held);
    expect(code).toBe(0);
    const { holds, ...rest } = value as { holds: { isDefault: boolean }[] };
    expect(rest).toMatchInlineSnapshot(`
      {
        "areMoreBindingsNamed": false,
        "bindings": [
          {
            "binding": {
              "kind": "RoleBinding",
              "name": "readers",
              "namespace": "ns1",
            },
            "exists": true,
            "lastDay": "2026-01-01",
            "permissions": 1,
            "role": {
              "kind": "Role",
              "name": "reader",
            },
          },
        ],
        "blindSpots": null,
        "cluster": "default",
        "evidenceDays": 1,
        "isIncomplete": false,
        "mayAlsoNeed": [],
        "moreRefused": 0,
        "near": [],
        "notGranted": [],
        "refused": [
          {
            "permission": {
              "apiGroup": "",
              "name": "",
              "namespace": "ns1",
              "path": "",
              "resource": "pods",
              "verb": "list",
            },
            "remark": "the rules above allow it: it was allowed at other times",
            "remedy": null,
            "seen": {
              "bindings": [],
              "clients": [
                "other",
              ],
              "days": 1,
              "firstAuditID": "b",
              "firstSeen": "2026-01-01T00:00:00Z",
              "groups": [],
              "lastAuditID": "b",
              "lastSeen": "2026-01-01T00:00:00Z",
              "requests": 1,
            },
          },
        ],
        "rules": [
          {
            "role": {
              "kind": "Role",
              "name": "suggested-user-alice-role",
              "namespace": "ns1",
            },
            "rule": {
              "apiGroups": [
                "",
              ],
              "resources": [
                "pods",
              ],
              "verbs": [
                "list",
              ],
            },
            "scopes": [
              "ns1",
            ],
            "seen": {
              "bindings": [
                {
                  "binding": {
                    "kind": "RoleBinding",
                    "name": "readers",
                    "namespace": "ns1",
                  },
                  "role": {
                    "kind": "Role",
                    "name": "reader",
                  },
                },
              ],
              "clients": [
                "other",
              ],
              "days": 1,
              "firstAuditID": "a",
              "firstSeen": "2026-01-01T00:00:00Z",
              "groups": [],
              "lastAuditID": "a",
              "lastSeen": "2026-01-01T00:00:00Z",
              "requests": 1,
            },
            "widened": [],
          },
        ],
        "seen": {
          "allowed": 1,
          "clients": [
            "other",
          ],
          "days": 1,
          "firstSeen": "2026-01-01T00:00:00Z",
          "groups": [],
          "lastSeen": "2026-01-01T00:00:00Z",
          "refused": 1,
        },
        "subject": {
          "kind": "User",
          "name": "alice",
          "namespace": "",
        },
        "widened": [],
      }
    `);
    expect(holds.filter(({ isDefault }) => !isDefault)).toMatchInlineSnapshot(`
      [
        {
          "binding": {
            "kind": "RoleBinding",
            "name": "readers",
            "namespace": "ns1",
          },
          "isDefault": false,
          "lastNamed": "2026-01-01",
          "named": 1,
          "role": {
            "kind": "Role",
            "name": "reader",
          },
          "rules": [
            {
              "lastUsed": "2026-01-01T00:00:00Z",
              "more": 0,
              "rule": {
                "apiGroups": [
                  "",
                ],
                "resources": [
                  "pods",
                ],
                "verbs": [
                  "list",
                  "get",
                ],
              },
              "unobservable": [],
              "unused": [
                {
                  "apiGroup": "",
                  "name": "",
                  "namespace": "ns1",
                  "path": "",
                  "resource": "pods",
                  "verb": "get",
                },
              ],
              "used": 1,
              "usedInPart": [],
            },
          ],
          "scope": "ns1",
          "through": [
            null,
          ],
        },
      ]
    `);
  });
});
