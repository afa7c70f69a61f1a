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
export { type KeyPair, testCertificates, type TestCertificates } from './servers/certificates.ts';
export {
  type AlertmanagerOptions,
  type AlertmanagerServer,
  lacksAlertmanager,
  startAlertmanager,
} from './servers/alertmanager.ts';
export { type Child, freePort, stablePort, startChild, untilReady } from './servers/child.ts';
export {
  type ControlPlane,
  type ControlPlaneOptions,
  startControlPlane,
  type StaticUser,
} from './servers/control-plane.ts';
export { type GiteaOptions, type GiteaServer, startGitea } from './servers/gitea.ts';
export { type KafkaOptions, type KafkaServer, startKafka, unsecuredToken } from './servers/kafka.ts';
export type { KafkaUser } from './servers/kafka-config.ts';
export { KubeClient, type KubeRequest, type KubeResponse } from './servers/kube-client.ts';
export { type RedisOptions, type RedisServer, startRedis } from './servers/redis.ts';
export { type RedisCluster, type RedisClusterOptions, startRedisCluster } from './servers/redis-cluster.ts';
export {
  type SentinelOptions,
  type SentinelServer,
  type SentinelSetup,
  startSentinel,
} from './servers/redis-sentinel.ts';
export {
  lacksKafka,
  lacksRedis,
  type ResolvedKafka,
  type ResolvedRedis,
  resolveKafka,
  resolveRedis,
} from './servers/resolve.ts';
export { lacksGitea, type ResolvedGitea, resolveGitea } from './servers/resolve-gitea.ts';
export type { ServerProcess } from './servers/server-process.ts';
export { startTcpProxy, type TcpProxy } from './servers/tcp-proxy.ts';
