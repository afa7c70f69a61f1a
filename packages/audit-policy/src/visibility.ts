import { DETECTION_NEEDS, type DetectionNeed, type ProbeSpec } from './detections-needs.ts';
import { matchPolicy } from './match/match-policy.ts';
import { type AuditPolicy, levelRank, type RequestAttributes, type Requester } from './types.ts';

/** How much of what a detection needs a policy lets it see. */
export interface DetectionVisibility {
  readonly need: DetectionNeed;
  readonly sight: 'full' | 'partial' | 'blind';
  /** The first request that it does not see, and the rule that decides so; absent where it sees all. */
  readonly missing:
    | { readonly request: RequestAttributes; readonly rule: number | undefined; readonly why: string }
    | undefined;
}

const WHO: Readonly<Record<'person' | 'nobody' | 'anonymous', Requester | undefined>> = {
  person: { username: 'leastwise:probe', groups: ['system:authenticated'] },
  nobody: undefined,
  anonymous: { username: 'system:anonymous', groups: ['system:unauthenticated'] },
};
const COLLECTION_VERBS: readonly string[] = ['list', 'watch', 'create', 'deletecollection'];

/**
 * What each detection would see of requests by people that no rule names: the table of needs, matched against a
 * policy. What a policy hides of certain users only does not show here.
 */
export function detectionVisibility(policy: AuditPolicy): DetectionVisibility[] {
  return DETECTION_NEEDS.map((need) => {
    const requests = need.probes.flatMap(requestsOf);
    const unseen = requests.flatMap((request) => {
      const { rule, level, stages } = matchPolicy(policy, request);
      if (levelRank(level) < levelRank(need.level)) return [{ request, rule, why: `is at level ${level}` }];
      if (need.stages.some((stage) => stages.includes(stage))) return [];
      return [{ request, rule, why: `is without the stage ${need.stages.join(' or ')}` }];
    });
    const sight = unseen.length === 0 ? 'full' : unseen.length < requests.length ? 'partial' : 'blind';
    return { need, sight, missing: unseen[0] };
  });
}

/** The requests that a probe stands for. */
export function requestsOf(spec: ProbeSpec): RequestAttributes[] {
  const user = WHO[spec.who ?? 'person'];
  const { verbs, group = '', resources = [], namespaces = ['probe'], paths = [] } = spec;
  const none = { apiGroup: '', resource: '', subresource: '', namespace: '', name: '' };
  return verbs.flatMap((verb) => [
    ...paths.map((path) => ({ user, verb, isResourceRequest: false, ...none, path })),
    ...resources.flatMap((each) =>
      namespaces.map((namespace) => {
        const [resource = '', subresource = ''] = each.split('/');
        const isCollection = subresource === '' && COLLECTION_VERBS.includes(verb);
        const name = isCollection ? '' : (spec.name ?? 'probe');
        return {
          user,
          verb,
          isResourceRequest: true,
          apiGroup: group,
          resource,
          subresource,
          namespace,
          name,
          path: '',
        };
      }),
    ),
  ]);
}

/** A request in a few words: `list secrets in namespace shop`. */
export function describeRequest(request: RequestAttributes): string {
  const { verb, isResourceRequest, apiGroup, resource, subresource, namespace, name, path, user } = request;
  const by =
    user === undefined
      ? ' without authentication'
      : user.username === 'system:anonymous'
        ? ' by system:anonymous'
        : '';
  if (!isResourceRequest) return `${verb} ${path}${by}`;
  const whole = subresource === '' ? resource : `${resource}/${subresource}`;
  const what = `${verb} ${whole}${apiGroup === '' ? '' : `.${apiGroup}`}${name === '' || name === 'probe' ? '' : ` ${name}`}`;
  const where =
    namespace === '' ? ' in the whole cluster' : namespace === 'probe' ? '' : ` in namespace ${namespace}`;
  return `${what}${where}${by}`;
}
