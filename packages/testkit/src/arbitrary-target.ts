import fc from 'fast-check';

import { requestTarget } from './api-request.ts';
import type { RequestTarget } from './api-request.ts';
import { arbitraryObjectName } from './arbitrary-rbac.ts';
import { KINDS, NAMESPACES, NON_RESOURCE_PATHS, VERBS } from './kinds.ts';
import type { Kind } from './kinds.ts';

interface Choices {
  readonly kind: Kind;
  readonly verb: (typeof VERBS)[number];
  /** Picks a subresource, or none. */
  readonly subresource: number;
  readonly namespace: string;
  readonly name: string;
  /** For lists and watches: in all namespaces; of one name. */
  readonly isEverywhere: boolean;
  readonly isSelected: boolean;
  readonly query: string;
}

const arbitraryResourceTarget: fc.Arbitrary<RequestTarget> = fc
  .record({
    kind: fc.constantFrom(...KINDS),
    verb: fc.constantFrom(...VERBS),
    subresource: fc.nat({ max: 60 }),
    namespace: fc.constantFrom(...NAMESPACES),
    name: arbitraryObjectName,
    isEverywhere: fc.boolean(),
    isSelected: fc.boolean(),
    query: fc.constantFrom(
      '',
      '',
      '',
      'dryRun=All',
      'fieldManager=argocd&force=true',
      'labelSelector=app%3Dweb',
    ),
  })
  .map(resourceTarget);

const arbitraryPathTarget: fc.Arbitrary<RequestTarget> = fc
  .record({
    verb: fc.constantFrom('get', 'get', 'post', 'head'),
    path: fc.constantFrom(...NON_RESOURCE_PATHS),
    query: fc.constantFrom('', 'timeout=32s'),
  })
  .map(requestTarget);

/** Requests that an API server could get: every verb where it applies, both scopes, subresources, selectors, paths. */
export const arbitraryTarget: fc.Arbitrary<RequestTarget> = fc.oneof(
  { weight: 9, arbitrary: arbitraryResourceTarget },
  { weight: 1, arbitrary: arbitraryPathTarget },
);

function resourceTarget(choices: Choices): RequestTarget {
  const { kind } = choices;
  const isNamespaceItself = kind.resource === 'namespaces';
  const name = isNamespaceItself ? choices.namespace : choices.name;
  const namespace = isNamespaceItself ? name : kind.isNamespaced ? choices.namespace : '';
  const { apiGroup, version, resource } = kind;
  const item = { apiGroup, version, resource, namespace, name, query: choices.query };
  const sub = kind.subresources[choices.subresource % (kind.subresources.length * 2 + 1)];
  if (sub === undefined) {
    // A request on all namespaces is in none of them.
    return topLevelTarget(item, choices, isNamespaceItself ? '' : namespace);
  }
  const verb = sub.verbs[choices.subresource % sub.verbs.length] ?? 'get';
  const path = sub.name === 'proxy' ? '/healthz/a/b' : '';
  return requestTarget({ ...item, verb, subresource: sub.name, path });
}

function topLevelTarget(
  item: Partial<RequestTarget> & { readonly name: string },
  choices: Choices,
  namespaceOfCollection: string,
): RequestTarget {
  const { verb } = choices;
  const collection = { ...item, verb, namespace: namespaceOfCollection, name: '' };
  switch (verb) {
    case 'create':
      return requestTarget({ ...collection, bodyName: item.name });
    case 'deletecollection':
      return requestTarget(collection);
    case 'list':
    case 'watch':
      return requestTarget({
        ...collection,
        namespace: choices.isEverywhere ? '' : namespaceOfCollection,
        name: choices.isSelected ? item.name : '',
      });
    default:
      return requestTarget({ ...item, verb });
  }
}
