import type { Check, CombinationCheck, GrantCheck } from './check.ts';
import { R001 } from './r001-everything.ts';
import { R002 } from './r002-everything-in-namespace.ts';
import { R003 } from './r003-all-verbs.ts';
import { R004 } from './r004-all-resources.ts';
import { createR005 } from './r005-all-of-subresource.ts';
import { R006 } from './r006-all-groups.ts';
import { R007 } from './r007-all-verbs-spelled-out.ts';
import { R008 } from './r008-all-urls.ts';
import { R009 } from './r009-forbidden-roles.ts';
import { R010 } from './r010-system-masters.ts';
import { R011 } from './r011-anonymous.ts';
import { R012 } from './r012-authenticated.ts';
import { R013 } from './r013-all-service-accounts.ts';
import { R014 } from './r014-default-service-account.ts';
import { R015 } from './r015-forbidden-subjects.ts';
import { R016 } from './r016-restricted-namespaces.ts';
import { R017 } from './r017-nodes.ts';
import { R018 } from './r018-foreign-service-account.ts';
import { R019 } from './r019-missing-role.ts';
import { R020 } from './r020-missing-subject.ts';
import { R021 } from './r021-no-such-subject.ts';
import { R030 } from './r030-read-secrets.ts';
import { R031 } from './r031-write-secrets.ts';
import { R032 } from './r032-create-tokens.ts';
import { R033 } from './r033-aws-auth.ts';
import { R034 } from './r034-write-configmaps.ts';
import { R040 } from './r040-escalate.ts';
import { R041 } from './r041-bind.ts';
import { R042 } from './r042-bind-anything.ts';
import { R043 } from './r043-write-bindings.ts';
import { R044, R044_AGGREGATED } from './r044-write-roles.ts';
import { R045 } from './r045-impersonate.ts';
import { R046 } from './r046-constrained-impersonation.ts';
import { R050 } from './r050-create-pods.ts';
import { R051 } from './r051-change-pods.ts';
import { R052 } from './r052-exec.ts';
import { R053 } from './r053-ephemeral-containers.ts';
import { R054 } from './r054-portforward.ts';
import { R055 } from './r055-proxy.ts';
import { R056 } from './r056-nodes-proxy.ts';
import { R057 } from './r057-kubelet-subresources.ts';
import { R058 } from './r058-pod-logs.ts';
import { R059 } from './r059-write-status.ts';
import { R060 } from './r060-steal-pods.ts';
import { R061 } from './r061-bind-pods.ts';
import { R062 } from './r062-write-volumes.ts';
import { R063 } from './r063-write-namespaces.ts';
import { R070 } from './r070-admission.ts';
import { R071 } from './r071-certificates.ts';
import { R072 } from './r072-apiservices.ts';
import { R073 } from './r073-custom-resource-definitions.ts';
import { R074 } from './r074-network.ts';
import { R075 } from './r075-policy-engines.ts';
import { R076 } from './r076-delete-events.ts';
import { R077 } from './r077-delete-workloads.ts';
import { R078 } from './r078-confused-deputies.ts';
import { R079 } from './r079-availability.ts';
import { R090 } from './r090-dead-rules.ts';
import { R091 } from './r091-broad-aggregation.ts';
import { R092 } from './r092-bootstrap-drift.ts';
import { R093 } from './r093-review.ts';
import { createR094 } from './r094-unused.ts';
import { R095 } from './r095-mounted-token.ts';
import { R096 } from './r096-cloud-identity.ts';
import { R097 } from './r097-housekeeping.ts';

/** The checks on grants of certain resources. */
// prettier-ignore
const ON_RESOURCES: readonly GrantCheck[] = [
  R030, R032, R033, R034, R040, R041, R044, R045, R046, R050, R051, R052, R053, R054, R055, R056, R057, R058, R059,
  R061, R062, R063, R070, R072, R073, R074, R075, R076, R077, R078, R079,
];

/** All checks on grants. */
export const GRANT_CHECKS: readonly GrantCheck[] = [
  R001,
  R002,
  R004,
  createR005(ON_RESOURCES),
  R008,
  ...ON_RESOURCES,
];

/** All checks on what one subject holds at once. */
export const COMBINATIONS: readonly CombinationCheck[] = [R031, R042, R043, R060, R071];

/** Every check; two of one id are two ways to one finding. */
// prettier-ignore
export const CHECKS: readonly Check[] = [
  ...GRANT_CHECKS,
  ...COMBINATIONS,
  R003, R006, R007, R044_AGGREGATED, R090, R091,
  R009, R010, R011, R012, R013, R014, R015, R016, R017, R018, R019, R020, R021,
  R092, R093, createR094(GRANT_CHECKS), R095, R096, R097,
];
