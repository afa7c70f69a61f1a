import type { RepositorySettings } from '@leastwise/forge';

import type { ReadConfig } from './service-config.ts';

const KINDS = ['none', 'github', 'gitlab', 'gitea'] as const;

/** The repository of a publisher's configuration. Without its folder: that one belongs to the publisher alone. */
export function configuredRepository({ view }: ReadConfig): RepositorySettings {
  const repository = (name: string): string | undefined => view.text(`repository.${name}`);
  const forge = (name: string): string | undefined => view.text(`forge.${name}`);
  const app = {
    id: forge('app.id'),
    installationId: forge('app.installationId'),
    privateKeyFile: forge('app.privateKeyFile'),
  };
  const { id, installationId, privateKeyFile } = app;
  const isApp = id !== undefined && installationId !== undefined && privateKeyFile !== undefined;
  return {
    url: repository('url') ?? '',
    base: repository('base') ?? 'main',
    signingKeyFile: repository('signingKeyFile'),
    tokenFile: repository('tokenFile'),
    sshKeyFile: repository('sshKeyFile'),
    knownHostsFile: repository('knownHostsFile'),
    caFile: repository('caFile'),
    forge: {
      kind: KINDS.find((kind) => kind === forge('kind')) ?? 'none',
      apiUrl: forge('apiUrl'),
      repository: forge('repository'),
      tokenFile: forge('tokenFile'),
      app: isApp ? { id, installationId, privateKeyFile } : undefined,
      webUrl: forge('webUrl'),
    },
  };
}
