import type { ProfileSettings } from '../access/model.ts';

/**
 * The verbs that open a stream to a pod. Over WebSocket the request is a get, and from 1.35 on create is
 * asked besides, so that get alone opens nothing there.
 * @see kubernetes pkg/registry/core/pod/rest/authorize.go, AuthorizePodWebsocketUpgradeCreatePermission
 */
export function streamVerbs({ version: { major, minor } }: ProfileSettings): readonly string[] {
  const needsCreate = major > 1 || (major === 1 && minor >= 35);
  return needsCreate ? ['create'] : ['create', 'get'];
}
