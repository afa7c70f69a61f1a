import { type CommentedRule, commented, group } from './presets.ts';

/** A way to log less, and what it costs. */
export interface Reduction {
  readonly id: string;
  /** The rules with less in them. */
  readonly apply: (rules: readonly CommentedRule[]) => readonly CommentedRule[];
}

function hide(id: string, rule: CommentedRule): Reduction {
  return { id, apply: (rules) => [rule, ...rules] };
}

/**
 * In the order in which they are taken: what costs the least first. None of them hides people, or workloads outside of
 * kube-system from the learning of their rights, but for Event objects and leases.
 */
export const REDUCTIONS: readonly Reduction[] = [
  hide(
    'probes',
    commented(
      'None',
      'Left out for volume: discovery and health, which everybody may ask.',
      { nonResourceURLs: ['/healthz*', '/livez*', '/readyz*', '/version', '/openapi*'] },
      'requests to /healthz, /livez, /readyz, /version and /openapi',
    ),
  ),
  hide(
    'events',
    commented(
      'None',
      'Left out for volume: Event objects, but for their deletion.',
      {
        verbs: ['get', 'list', 'watch', 'create', 'update', 'patch'],
        resources: [group('', 'events'), group('events.k8s.io', 'events')],
      },
      'who writes and reads Event objects: the permission for it looks unused everywhere',
    ),
  ),
  hide(
    'leases',
    commented(
      'None',
      'Left out for volume: heartbeats and leader election.',
      { verbs: ['get', 'update', 'patch'], resources: [group('coordination.k8s.io', 'leases')] },
      'renewals of leases: the permission for it looks unused everywhere',
    ),
  ),
  hide(
    'control-plane',
    commented(
      'None',
      'Left out for volume: what the control plane reads, whose rights are built in.',
      {
        users: [
          'system:apiserver',
          'system:kube-controller-manager',
          'system:cloud-controller-manager',
          'system:kube-scheduler',
          'system:kube-proxy',
        ],
        verbs: ['get', 'list', 'watch'],
      },
      'what system:apiserver, the controller managers, system:kube-scheduler and system:kube-proxy read',
    ),
  ),
  hide(
    'nodes',
    commented(
      'None',
      'Left out for volume: what nodes read, but for secrets, and the status that they report.',
      {
        userGroups: ['system:nodes'],
        verbs: ['get', 'list', 'watch', 'update', 'patch'],
        resources: [
          group('', 'nodes', 'nodes/status', 'pods', 'pods/status', 'services', 'endpoints', 'configmaps'),
          group('node.k8s.io'),
          group('storage.k8s.io'),
        ],
      },
      'what nodes (system:nodes) read and report, but for secrets',
    ),
  ),
  {
    id: 'bodies',
    apply: (rules) =>
      rules.map((each) => {
        if (each.rule.level === 'None' || each.rule.level === 'Metadata') return each;
        return {
          comment: `${each.comment} Without bodies, for volume.`,
          rule: { ...each.rule, level: 'Metadata' },
          hides: `bodies: ${lowerFirst(each.comment)}`,
        };
      }),
  },
  hide(
    'kube-system',
    commented(
      'None',
      'Left out for volume: what service accounts of kube-system read, but for secrets.',
      {
        userGroups: ['system:serviceaccounts:kube-system'],
        verbs: ['get', 'list', 'watch'],
        resources: [
          group(
            '',
            'nodes',
            'pods',
            'services',
            'endpoints',
            'namespaces',
            'configmaps',
            'replicationcontrollers',
          ),
          group('apps'),
          group('batch'),
          group('discovery.k8s.io'),
          group('storage.k8s.io'),
        ],
      },
      'what service accounts of kube-system read: their rights cannot be learnt',
    ),
  ),
];

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, '');
}

/** The rules with the first reductions taken, one list for each number of them, none first. */
export function reducedSteps(rules: readonly CommentedRule[]): readonly (readonly CommentedRule[])[] {
  const steps = [rules];
  for (const { apply } of REDUCTIONS) steps.push(apply(steps.at(-1) ?? rules));
  return steps;
}
