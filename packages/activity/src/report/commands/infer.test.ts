import { describe, expect, test } from 'vitest';

import { as, asked, builderOf, recordedEvents, REFUSED, reported } from '../testing/events.ts';
import type { AuditEvent } from '@leastwise/audit-event';

/** The commands of everybody in a report, with how often and how sure. */
function commandsOf(events: readonly AuditEvent[]): string[] {
  return reported(events).people.flatMap(({ commands }) =>
    commands.rows.map(({ text, count, certainty, refused, failed }) =>
      [
        text,
        ...(count === 1 ? [] : [`×${count}`]),
        ...(certainty === 'inferred' ? [] : [certainty]),
        ...(refused === 0 ? [] : [`${refused} refused`]),
        ...(failed === 0 ? [] : [`${failed} failed`]),
      ].join(' '),
    ),
  );
}

const DEPLOYMENTS = '/apis/apps/v1/namespaces/web/deployments';
const PODS = '/api/v1/namespaces/web/pods';

describe('the command behind a request', () => {
  test.each([
    [`create ${PODS}?fieldManager=kubectl-create`, 'kubectl create pods -n web'],
    [
      `patch ${DEPLOYMENTS}/a?fieldManager=kubectl-client-side-apply`,
      'kubectl apply deployments.apps -n web',
    ],
    [
      `patch ${DEPLOYMENTS}/a?fieldManager=kubectl&force=false`,
      'kubectl apply deployments.apps -n web --server-side',
    ],
    [
      `patch ${DEPLOYMENTS}/a?fieldManager=me&force=true`,
      'kubectl apply deployments.apps -n web --server-side --force-conflicts',
    ],
    [`update ${DEPLOYMENTS}/a?fieldManager=kubectl-replace`, 'kubectl replace deployments.apps -n web'],
    [`patch ${DEPLOYMENTS}/a?fieldManager=kubectl-edit`, 'kubectl edit deployments.apps -n web'],
    [`patch ${DEPLOYMENTS}/a?fieldManager=kubectl-patch`, 'kubectl patch deployments.apps -n web'],
    [`patch ${DEPLOYMENTS}/a?fieldManager=kubectl-label`, 'kubectl label deployments.apps -n web'],
    [`patch /api/v1/nodes/n1?fieldManager=kubectl-taint`, 'kubectl taint nodes'],
    [
      `patch ${DEPLOYMENTS}/a?fieldManager=kubectl-rollout`,
      'kubectl rollout restart/pause/resume deployments.apps -n web likely',
    ],
    [`patch ${DEPLOYMENTS}/a/scale`, 'kubectl scale deployments.apps -n web'],
    [`patch ${DEPLOYMENTS}/a`, 'patch deployments.apps -n web request'],
    [`patch ${DEPLOYMENTS}/a?fieldManager=somebody`, 'patch deployments.apps -n web request'],
    [
      `patch ${DEPLOYMENTS}/a?fieldManager=kubectl-edit&dryRun=All`,
      'kubectl edit deployments.apps -n web --dry-run=server',
    ],
    [`delete ${PODS}/p`, 'kubectl delete pods -n web'],
    [`deletecollection ${PODS}`, 'kubectl delete pods -n web --all'],
    [`get ${PODS}/p`, 'kubectl get pods -n web'],
    [`list ${PODS}?limit=500`, 'kubectl get pods -n web'],
    ['list /api/v1/pods?limit=500', 'kubectl get pods -A'],
    ['list /api/v1/nodes?limit=500', 'kubectl get nodes'],
    [`watch ${PODS}?watch=true`, 'kubectl get pods -n web -w'],
    ['list /apis/metrics.k8s.io/v1beta1/namespaces/web/pods', 'kubectl top pods -n web'],
    [`get ${PODS}/p/log?container=app&follow=true`, 'kubectl logs pods -n web -c app -f'],
    [`get ${PODS}/p/log?previous=true`, 'kubectl logs pods -n web --previous'],
    [`create ${PODS}/p/portforward`, 'kubectl port-forward pods -n web'],
    [`create ${PODS}/p/attach?container=app&tty=true`, 'kubectl attach pods -n web -c app -it'],
    [`patch ${PODS}/p/ephemeralcontainers`, 'kubectl debug pods -n web'],
    [
      `create ${PODS}/p/exec?command=sh&command=-c&command=ls%20/tmp&container=app&stdin=true&tty=true`,
      "kubectl exec pods -n web -c app -it -- sh -c 'ls /tmp'",
    ],
    [
      `get ${PODS}/p/exec?command=psql&command=--password&command=hunter2`,
      'kubectl exec pods -n web -- psql --password [redacted]',
    ],
    [
      `create ${PODS}/p/exec?command=tar&command=cf&command=-&command=/tmp/x`,
      'kubectl cp pods -n web p:/tmp/x …',
    ],
    [
      `create ${PODS}/p/exec?command=tar&command=-xmf&command=-&command=-C&command=/tmp`,
      'kubectl cp pods -n web … p:/tmp',
    ],
    ['create /apis/authorization.k8s.io/v1/selfsubjectaccessreviews', 'kubectl auth can-i'],
    ['create /apis/authorization.k8s.io/v1/selfsubjectrulesreviews', 'kubectl auth can-i --list'],
    ['create /api/v1/namespaces/web/serviceaccounts/ci/token', 'kubectl create token serviceaccounts -n web'],
    [
      'update /apis/certificates.k8s.io/v1/certificatesigningrequests/c/approval',
      'kubectl certificate approve/deny certificatesigningrequests.certificates.k8s.io',
    ],
    ['get /healthz', 'kubectl get --raw /healthz'],
    [`create ${PODS}/p/eviction`, 'create pods/eviction -n web request'],
    [`get ${DEPLOYMENTS}/a/status`, 'get deployments.apps/status -n web request'],
  ])('%s', (what, expected) => {
    expect(commandsOf([asked(what)])).toEqual([expected]);
  });

  test('discovery is counted, and is no command', () => {
    const [person] = reported(
      ['get /api', 'get /apis', 'get /openapi/v3', 'get /version'].map((what) => asked(what)),
    ).people;
    expect([person?.discovery, person?.requests, person?.commands.rows]).toEqual([4, 0, []]);
  });

  test('what was refused and what failed is told', () => {
    const events = [
      asked(`delete ${PODS}/a`, 0, REFUSED),
      asked(`delete ${PODS}/b`, 20, { code: 404 }),
      asked(`delete ${PODS}/c`, 40),
    ];
    expect(commandsOf(events)).toEqual(['kubectl delete pods -n web ×3 1 refused 1 failed']);
  });

  test('who acts in the name of somebody else did it, not the other one', () => {
    const [person, ...others] = reported([
      asked(`list ${PODS}`, 0, { ...as('bob smith'), user: 'carol' }),
    ]).people;
    expect([person?.name, others]).toEqual(['carol', []]);
    expect(person?.commands.rows[0]?.text).toBe("kubectl get pods -n web --as 'bob smith'");
  });

  test('who was refused to act as somebody else tried to, though the log does not say as whom', () => {
    const refusal = {
      code: 403,
      decision: '',
      reason: undefined,
      statusMessage: 'users "x" is forbidden: User "a" cannot impersonate resource "users"',
    };
    expect(commandsOf([asked(`list ${PODS}`, 0, refusal)])).toEqual([
      "kubectl get pods -n web --as '?' 1 refused",
    ]);
  });
});

describe('requests that one command makes', () => {
  test.each([
    [
      'edit: an editor is open in between',
      [
        [`get ${DEPLOYMENTS}/a`, 0],
        [`patch ${DEPLOYMENTS}/a?fieldManager=kubectl-edit`, 300],
      ],
      ['kubectl edit deployments.apps -n web'],
    ],
    [
      'scale',
      [
        [`get ${DEPLOYMENTS}/a`, 0],
        [`patch ${DEPLOYMENTS}/a/scale`, 0.01],
      ],
      ['kubectl scale deployments.apps -n web'],
    ],
    [
      'a look long before a change is a command of its own',
      [
        [`get ${DEPLOYMENTS}/a`, 0],
        [`patch ${DEPLOYMENTS}/a/scale`, 5],
      ],
      ['kubectl get deployments.apps -n web', 'kubectl scale deployments.apps -n web'],
    ],
    [
      'a look at another object is none of it',
      [
        [`get ${DEPLOYMENTS}/b`, 0],
        [`patch ${DEPLOYMENTS}/a/scale`, 0.01],
      ],
      ['kubectl get deployments.apps -n web', 'kubectl scale deployments.apps -n web'],
    ],
    [
      'delete, and the wait for the end',
      [
        [`delete ${PODS}/a`, 0],
        [`get ${PODS}/a`, 0.1],
        [`watch ${PODS}?fieldSelector=metadata.name%3Da&watch=true`, 0.2],
      ],
      ['kubectl delete pods -n web'],
    ],
    [
      'logs of a deployment',
      [
        [`get ${DEPLOYMENTS}/a`, 0],
        [`list ${PODS}?labelSelector=app%3Da`, 0.1],
        [`get ${PODS}/a-1/log`, 0.2],
      ],
      ['kubectl logs pods -n web'],
    ],
    [
      'describe',
      [
        [`get ${PODS}/a`, 0],
        [
          `list /api/v1/namespaces/web/events?fieldSelector=involvedObject.name%3Da%2CinvolvedObject.namespace%3Dweb`,
          0.1,
        ],
      ],
      ['kubectl describe pods -n web'],
    ],
    [
      'rollout status',
      [
        [`get ${DEPLOYMENTS}/a`, 0],
        [`list ${DEPLOYMENTS}?fieldSelector=metadata.name%3Da`, 0.1],
        [`watch ${DEPLOYMENTS}?fieldSelector=metadata.name%3Da&watch=true`, 0.2],
      ],
      ['kubectl rollout status deployments.apps -n web likely'],
    ],
    [
      'rollout undo',
      [
        [`get ${DEPLOYMENTS}/a`, 0],
        ['list /apis/apps/v1/namespaces/web/replicasets?labelSelector=app%3Da', 0.1],
        [`patch ${DEPLOYMENTS}/a`, 0.2],
      ],
      ['kubectl rollout undo deployments.apps -n web likely'],
    ],
    [
      'get -w',
      [
        [`list ${PODS}`, 0],
        [`watch ${PODS}?watch=true`, 0.1],
        [`watch ${PODS}?watch=true`, 300],
      ],
      ['kubectl get pods -n web -w'],
    ],
    [
      'pages of a list',
      [
        [`list ${PODS}?limit=500`, 0],
        [`list ${PODS}?limit=500&continue=x`, 0.1],
      ],
      ['kubectl get pods -n web'],
    ],
    [
      'cordon',
      [
        ['get /api/v1/nodes/n1', 0],
        ['patch /api/v1/nodes/n1', 0.1],
      ],
      ['kubectl cordon/uncordon nodes likely'],
    ],
    [
      'drain: cordon, the pods of the node, evictions, and waiting for their end',
      [
        ['get /api/v1/nodes/n1', 0],
        ['patch /api/v1/nodes/n1', 0.1],
        ['list /api/v1/pods?fieldSelector=spec.nodeName%3Dn1', 0.2],
        [`create ${PODS}/a/eviction`, 0.3],
        [`get ${PODS}/a`, 5],
      ],
      ['kubectl drain nodes'],
    ],
    [
      'run -it',
      [
        [`create ${PODS}?fieldManager=kubectl-run`, 0, 'tmp'],
        [`get ${PODS}/tmp`, 0.1],
        [`create ${PODS}/tmp/attach?tty=true`, 20],
      ],
      ['kubectl run pods -n web'],
    ],
    [
      'debug of a node',
      [
        [`create ${PODS}`, 0, 'node-debugger-n1-abcde'],
        [`create ${PODS}/node-debugger-n1-abcde/attach`, 4],
      ],
      ['kubectl debug pods -n web likely'],
    ],
  ] as const)('%s', (_, requests, expected) => {
    const events = requests.map(([what, at, name]) =>
      asked(
        what,
        at,
        name === undefined
          ? {}
          : { objectRef: { apiGroup: '', resource: 'pods', subresource: '', namespace: 'web', name } },
      ),
    );
    expect(commandsOf(events).sort()).toEqual([...expected].sort());
    expect(reported(events).totals.requests).toBe(events.length);
  });

  test('a command does not take what somebody else did at the same time', () => {
    const events = [
      asked(`get ${DEPLOYMENTS}/a`, 0, { user: 'bob' }),
      asked(`patch ${DEPLOYMENTS}/a/scale`, 0.01),
    ];
    expect(commandsOf(events).sort()).toEqual([
      'kubectl get deployments.apps -n web',
      'kubectl scale deployments.apps -n web',
    ]);
  });

  test('a dispatcher shows where a command begins, however soon after the last one', () => {
    const start = (at: number) =>
      asked('get /version?timeout=5s', at, { userAgent: 'kubectl-dispatcher/v1.0 (linux/amd64)' });
    const events = [
      start(0),
      asked(`get ${DEPLOYMENTS}/a`, 0.01),
      start(0.1),
      asked(`get ${DEPLOYMENTS}/a`, 0.11),
      asked(`patch ${DEPLOYMENTS}/a/scale`, 0.12),
    ];
    expect(commandsOf(events)).toEqual([
      'kubectl get deployments.apps -n web',
      'kubectl scale deployments.apps -n web',
    ]);
  });

  test('what comes after the start of the next command is none of the last one, but for what goes on meanwhile', () => {
    const start = (at: number) =>
      asked('get /version?timeout=5s', at, { userAgent: 'kubectl-dispatcher/v1.0 (linux/amd64)' });
    const look = '/api/v1/namespaces/web/events?fieldSelector=involvedObject.name%3Da';
    const described = [start(0), asked(`get ${PODS}/a`, 0.1), asked(`list ${look}`, 0.2), start(0.3)];
    expect(commandsOf([...described, asked(`list ${PODS}?labelSelector=x`, 0.4)]).sort()).toEqual([
      'kubectl describe pods -n web',
      'kubectl get pods -n web',
    ]);
    const watched = [
      start(0),
      asked(`list ${PODS}`, 0.1),
      asked(`watch ${PODS}?watch=true`, 0.2),
      start(0.3),
    ];
    expect(commandsOf([...watched, asked(`watch ${PODS}?watch=true`, 60)])).toEqual([
      'kubectl get pods -n web -w',
    ]);
  });
});

describe('a recording of two people, a CI account, an intruder and somebody who breaks the glass', () => {
  const report = builderOf(recordedEvents()).build();
  const rowsOf = (name: string): string[] =>
    (report.people.find((person) => person.name === name)?.commands.rows ?? []).map(
      ({ text, count }) => `${count} ${text}`,
    );

  test('dana develops', () => {
    expect(rowsOf('dana@example.com')).toEqual([
      '22 kubectl auth can-i',
      '22 kubectl create deployments.apps -n alpha-web',
      '22 kubectl describe deployments.apps -n alpha-web',
      '22 kubectl expose services -n alpha-web',
      '22 kubectl get deployments.apps -n alpha-web',
      '22 kubectl get events -n alpha-web',
      '22 kubectl get pods -n alpha-web',
      '22 kubectl get secrets -n alpha-pay',
      '22 kubectl logs pods -n alpha-web -c nginx',
      '22 kubectl rollout status deployments.apps -n alpha-web',
      '22 kubectl scale deployments.apps -n alpha-web',
      '22 kubectl set image/env/… deployments.apps -n alpha-web',
      '7 kubectl delete deployments.apps -n alpha-web',
      '7 kubectl get nodes',
    ]);
  });

  test('the intruder asks for secrets and deletes what there is, and is refused', () => {
    expect(rowsOf('intruder')).toEqual([
      '75 kubectl delete pods -n alpha-pay',
      '75 kubectl delete secrets -n alpha-pay',
      '22 kubectl auth can-i --list',
      '22 kubectl get secrets -A',
    ]);
    expect(report.unusual[0]).toMatchObject({
      severity: 'high',
      who: 'intruder',
      title: '5 bursts of refused deletions',
    });
  });

  test('the CI account applies and waits', () => {
    expect(rowsOf('system:serviceaccount:alpha-pay:ci-bot')).toEqual([
      '44 kubectl rollout status deployments.apps -n alpha-pay',
      '22 kubectl apply configmaps -n alpha-pay',
      '22 kubectl apply deployments.apps -n alpha-pay --server-side',
    ]);
  });

  test('whoever breaks the glass acts as dana, cordons and looks at bindings', () => {
    expect(rowsOf('breakglass')).toEqual([
      '14 kubectl cordon/uncordon nodes',
      '7 kubectl get clusterrolebindings.rbac.authorization.k8s.io',
      '7 kubectl get pods --as dana@example.com -A',
    ]);
  });
});
