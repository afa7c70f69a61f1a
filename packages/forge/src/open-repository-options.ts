/** An app of GitHub, as it is installed on an account. */
export interface ForgeApp {
  /** The id, or the client id, of the app. */
  readonly id: string;
  readonly installationId: string;
  /** PEM of its RSA key; read anew for every token. */
  readonly privateKeyFile: string;
}

/** What has the pull requests of a repository. */
export interface ForgeSettings {
  /** `none`: a remote without pull requests, which gets branches. */
  readonly kind: 'none' | 'github' | 'gitlab' | 'gitea';
  /** The address of the API; that of the repository's host where nothing is said. */
  readonly apiUrl?: string | undefined;
  /** `owner/name`, with all groups on GitLab; what the repository's address says where nothing is said. */
  readonly repository?: string | undefined;
  /** Holds a token; read anew for every request. */
  readonly tokenFile?: string | undefined;
  /** In place of a token, on GitHub. */
  readonly app?: ForgeApp | undefined;
  /** Where people read the repository: `https://forge.example/owner/name`. */
  readonly webUrl?: string | undefined;
}

/** A GitOps repository as configurations name it. */
export interface RepositorySettings {
  /** `https://`, `ssh://`, `user@host:path`, `file://` or the path of a bare repository, without credentials in it. */
  readonly url: string;
  /** The branch that proposals are made for. */
  readonly base: string;
  /** Author and committer; Leastwise where nothing is said. */
  readonly author?: { readonly name: string; readonly email: string } | undefined;
  /** A private SSH key without passphrase, which signs commits. */
  readonly signingKeyFile?: string | undefined;
  /** A token for git over https; the forge's own credentials where nothing is said and the host is the same. */
  readonly tokenFile?: string | undefined;
  readonly sshKeyFile?: string | undefined;
  readonly knownHostsFile?: string | undefined;
  /** PEM of an authority to trust, by git and towards the forge. */
  readonly caFile?: string | undefined;
  /** Where a copy of what is needed is kept between runs; a temporary folder where nothing is said. */
  readonly folder?: string | undefined;
  readonly forge: ForgeSettings;
}

/** A setting by its name; those of the forge begin with `forge.`. */
export type RepositoryKey =
  | Exclude<keyof RepositorySettings, 'forge' | 'author'>
  | `forge.${Exclude<keyof ForgeSettings, 'app'>}`
  | `forge.app.${keyof ForgeApp}`;

/** One thing that is wrong with the settings of a repository. */
export interface RepositoryProblem {
  readonly key: RepositoryKey;
  /** Goes on after the name of the key. */
  readonly reason: string;
}
