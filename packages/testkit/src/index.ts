export { type Actor, arbitraryActor, serviceAccountActor, userActor } from './actors.ts';
export { permissionFor, requestTarget, type RequestTarget, requestTo } from './api-request.ts';
export {
  arbitraryEvent,
  arbitraryLog,
  arbitraryRequest,
  type LogScenario,
  type RequestScenario,
} from './arbitrary-event.ts';
export {
  arbitraryObjectName,
  arbitraryPermission,
  arbitrarySubject,
  HOSTILE_TEXTS,
  HOSTILE_USERNAMES,
} from './arbitrary-rbac.ts';
export { arbitraryTarget } from './arbitrary-target.ts';
export {
  auditEvent,
  auditEventLine,
  auditLog,
  type LineOptions,
  microTime,
  START_US,
  userInfo,
} from './audit-event-line.ts';
export { KINDS, NAMESPACES, VERBS } from './kinds.ts';
export { createRandom, type Random } from './random.ts';
export { type Child, freePort, startChild, untilReady } from './servers/child.ts';
export {
  type ControlPlane,
  type ControlPlaneOptions,
  startControlPlane,
  type StaticUser,
} from './servers/control-plane.ts';
export { KubeClient, type KubeRequest, type KubeResponse } from './servers/kube-client.ts';
