import type { Cell } from './policy.ts';

/** A granted permission whose use the API server checks further, by what no audit event of the request names. */
export interface UnseenNeed {
  readonly cell: Cell;
  /** What else the subject must hold, for people. */
  readonly needs: string;
}

const WRITES: readonly string[] = ['create', 'update', 'patch'];

interface Rule {
  readonly apiGroup: string;
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly needs: string;
}

/**
 * Each is a check that an API server's storage or a built-in admission plugin makes by itself, after
 * authorization and against the body: the request's own event shows neither its question nor its object.
 * Sources: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping,
 * https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#authorization,
 * https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/ (parameter resources).
 */
const RULES: readonly Rule[] = [
  {
    apiGroup: 'rbac.authorization.k8s.io',
    resources: ['rolebindings', 'clusterrolebindings'],
    verbs: WRITES,
    needs: 'bind on the role that is bound, or all of its rules',
  },
  {
    apiGroup: 'rbac.authorization.k8s.io',
    resources: ['roles', 'clusterroles'],
    verbs: WRITES,
    needs: 'escalate on the role, or all of its rules',
  },
  {
    apiGroup: 'certificates.k8s.io',
    resources: ['certificatesigningrequests/approval'],
    verbs: ['update', 'patch'],
    needs: 'approve on the signer (signers.certificates.k8s.io)',
  },
  {
    apiGroup: 'certificates.k8s.io',
    resources: ['certificatesigningrequests/status'],
    verbs: ['update', 'patch'],
    needs: 'sign on the signer (signers.certificates.k8s.io), where a certificate is set',
  },
  {
    apiGroup: 'certificates.k8s.io',
    resources: ['clustertrustbundles'],
    verbs: [...WRITES, 'delete'],
    needs: 'attest on the signer (signers.certificates.k8s.io), where the bundle names one',
  },
  {
    apiGroup: 'admissionregistration.k8s.io',
    resources: ['validatingadmissionpolicies', 'mutatingadmissionpolicies'],
    verbs: WRITES,
    needs: 'get on the resource of its parameters, where it has some',
  },
  {
    apiGroup: 'admissionregistration.k8s.io',
    resources: ['validatingadmissionpolicybindings', 'mutatingadmissionpolicybindings'],
    verbs: WRITES,
    needs: 'get on its parameters, where it has some',
  },
];

/** What the granted permissions may need besides, in the order of the cells. It is not granted: nobody can tell from a log. */
export function unseenNeeds(granted: readonly Cell[]): UnseenNeed[] {
  return granted.flatMap((cell) => {
    const rule = RULES.find(
      ({ apiGroup, resources, verbs }) =>
        apiGroup === cell.apiGroup && resources.includes(cell.resource) && verbs.includes(cell.verb),
    );
    return rule === undefined ? [] : [{ cell, needs: rule.needs }];
  });
}
