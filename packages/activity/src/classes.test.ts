import { CLIENT_KINDS } from '@leastwise/audit-event';
import { expect, test } from 'vitest';

import { OUTCOMES, RESOURCE_CLASSES, resourceClassOf, VERB_CLASSES, verbClassOf } from './classes.ts';
import { permission } from './testing/requests.ts';

test.each([
  ['get secrets', 'read', 'secrets'],
  ['list secrets', 'list-watch', 'secrets'],
  ['watch secrets', 'list-watch', 'secrets'],
  ['update configmaps', 'update', 'configmaps'],
  ['create pods', 'create', 'pods'],
  ['get pods/log', 'read', 'pods'],
  ['create pods/binding', 'create', 'pods'],
  ['patch pods/status', 'update', 'pods'],
  ['delete pods', 'delete', 'pods'],
  ['deletecollection pods', 'delete-collection', 'pods'],
  ['create pods/eviction', 'delete', 'pods'],
  ['get pods/eviction', 'read', 'pods'],
  ['create pods/exec', 'exec', 'pods'],
  ['get pods/exec', 'exec', 'pods'],
  ['get pods/attach', 'exec', 'pods'],
  ['create pods/portforward', 'exec', 'pods'],
  ['get pods/proxy', 'exec', 'pods'],
  ['proxy pods', 'exec', 'pods'],
  ['patch pods/ephemeralcontainers', 'exec', 'pods'],
  ['update pods/ephemeralcontainers', 'exec', 'pods'],
  ['get pods/ephemeralcontainers', 'read', 'pods'],
  ['delete services/proxy', 'exec', 'network'],
  ['get nodes/proxy', 'exec', 'nodes'],
  ['get nodes/metrics', 'read', 'nodes'],
  ['patch apps:deployments/scale', 'update', 'workloads'],
  ['create batch:cronjobs', 'create', 'workloads'],
  ['update autoscaling:horizontalpodautoscalers', 'update', 'workloads'],
  ['delete replicationcontrollers', 'delete', 'workloads'],
  ['get extensions:deployments', 'read', 'workloads'],
  ['get extensions:ingresses/status', 'read', 'network'],
  ['create rbac.authorization.k8s.io:clusterrolebindings', 'create', 'rbac'],
  ['create serviceaccounts', 'create', 'serviceaccounts'],
  ['create serviceaccounts/token', 'create', 'tokens'],
  ['patch namespaces', 'update', 'namespaces'],
  ['update namespaces/finalize', 'update', 'namespaces'],
  ['create apiextensions.k8s.io:customresourcedefinitions', 'create', 'api-extensions'],
  ['patch admissionregistration.k8s.io:mutatingwebhookconfigurations', 'update', 'api-extensions'],
  ['delete apiregistration.k8s.io:apiservices', 'delete', 'api-extensions'],
  ['update certificates.k8s.io:certificatesigningrequests/approval', 'update', 'certificates'],
  ['get networking.k8s.io:networkpolicies', 'read', 'network'],
  ['list discovery.k8s.io:endpointslices', 'list-watch', 'network'],
  ['create persistentvolumes', 'create', 'storage'],
  ['get storage.k8s.io:csinodes', 'read', 'storage'],
  ['delete events', 'delete', 'events'],
  ['create events.k8s.io:events', 'create', 'events'],
  ['update coordination.k8s.io:leases', 'update', 'leases'],
  ['create authorization.k8s.io:selfsubjectrulesreviews', 'create', 'reviews'],
  ['create authentication.k8s.io:tokenreviews', 'create', 'reviews'],
  ['get example.com:widgets', 'read', 'custom'],
  ['get metrics.k8s.io:pods', 'read', 'custom'],
  // The group of a made-up API names no class of the real one.
  ['get example.com:secrets', 'read', 'custom'],
  ['get componentstatuses', 'read', 'other'],
  ['list policy:poddisruptionbudgets', 'list-watch', 'other'],
  ['use policy:podsecuritypolicies', 'other', 'other'],
  ['impersonate users', 'escalate', 'identities'],
  ['impersonate serviceaccounts', 'escalate', 'identities'],
  ['impersonate:user-info authentication.k8s.io:users', 'escalate', 'identities'],
  ['impersonate authentication.k8s.io:userextras/exec', 'escalate', 'identities'],
  ['impersonate-on:user-info:get secrets', 'escalate', 'identities'],
  ['bind rbac.authorization.k8s.io:clusterroles', 'escalate', 'rbac'],
  ['escalate rbac.authorization.k8s.io:roles', 'escalate', 'rbac'],
  ['approve certificates.k8s.io:signers', 'escalate', 'certificates'],
  ['sign certificates.k8s.io:signers', 'escalate', 'certificates'],
  ['get /healthz', 'read', 'non-resource'],
  ['head /version', 'read', 'non-resource'],
  ['post /x', 'create', 'non-resource'],
  ['delete /x', 'delete', 'non-resource'],
  // An HTTP method may be any word.
  ['list /x', 'other', 'non-resource'],
  ['impersonate /x', 'other', 'non-resource'],
  ['__proto__ __proto__:constructor/toString', 'other', 'custom'],
  ['constructor hasOwnProperty', 'other', 'other'],
  ['get secrets/', 'read', 'secrets'],
  // A resource may have the name of a subresource.
  ['create exec', 'create', 'other'],
  ['create example.com:eviction', 'create', 'custom'],
])('%s is of the classes %s and %s', (text, verbClass, resourceClass) => {
  const asked = permission(text);
  expect([verbClassOf(asked), resourceClassOf(asked)]).toEqual([verbClass, resourceClass]);
});

test('the places of classes are part of the keys of stored counts, of five bits each', () => {
  expect(VERB_CLASSES.join()).toBe(
    'read,list-watch,create,update,delete,delete-collection,exec,escalate,other',
  );
  expect(RESOURCE_CLASSES.join()).toBe(
    'secrets,configmaps,pods,workloads,rbac,serviceaccounts,tokens,nodes,namespaces,api-extensions,certificates,' +
      'network,storage,events,leases,reviews,identities,custom,non-resource,other',
  );
  expect(OUTCOMES.join()).toBe('allowed,denied');
  expect(Math.max(VERB_CLASSES.length, RESOURCE_CLASSES.length)).toBeLessThanOrEqual(32);
  // One place less: the last one stands for no client.
  expect(CLIENT_KINDS.length).toBeLessThan(32);
});
