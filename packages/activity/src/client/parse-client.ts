import { type ClientKind, clientKindOf } from '@leastwise/audit-event';

/**
 * What a program says of itself in its user agent: self-reported, so good for reading and never for trust. Every text
 * is short and of letters, digits and `._+-` only, whatever the client sent.
 */
export interface Client {
  readonly kind: ClientKind;
  /** In lower case, without `.exe`: `kubectl`, `kubectl-neat`, `helm`; `unknown` where it names none. */
  readonly program: string;
  /** As reported, such as `v1.32.4`; `''` where it names none. */
  readonly version: string;
  /** `linux/amd64`; `''` where it names none. */
  readonly platform: string;
  /** A plugin that kubectl starts by its name (`kubectl-neat`); kubectl's own dispatchers are none. */
  readonly isPlugin: boolean;
  /** Starts the kubectl that fits the server, after it has asked for the server's version (gcloud's `kubectl`). */
  readonly isDispatcher: boolean;
}

/** API servers log at most 1,024 characters of a user agent; all that is read stands before this. */
const LOOKED_AT = 256;

const PROGRAM = /^[a-z0-9][a-z0-9._+-]{0,63}/i;
const VERSION = /^\/(v?\d[a-z0-9._+-]{0,39})(?![a-z0-9._+-])/i;
const PLATFORM = /\((linux|windows|darwin|freebsd)\/([a-z0-9]{2,10})\)/;

const DISPATCHERS: readonly string[] = ['kubectl-dispatcher', 'kubectl_dispatcher'];

/**
 * Reads a user agent in the form of client-go (`program/version (os/arch) kubernetes/commit`) and its many spellings:
 * `kubectl.exe/v1.30.0 (windows/amd64) …`, `kubectl-dispatcher/v1.0 (linux/amd64)`, `kubectl1.29/v1.29.3`,
 * `Helm/3.14.0`, `oc/4.14.0 (linux/amd64) …`, `k9s/v0.32.5`, `Mozilla/5.0 (…)`.
 * @remarks Pure; the work is bounded by the first 256 characters.
 * @see https://pkg.go.dev/k8s.io/client-go/rest#DefaultKubernetesUserAgent
 */
export function parseClient(userAgent: string): Client {
  const text = userAgent.slice(0, LOOKED_AT);
  const [name = ''] = PROGRAM.exec(text) ?? [];
  const [, version = ''] = VERSION.exec(text.slice(name.length)) ?? [];
  const [, os = '', arch = ''] = PLATFORM.exec(text) ?? [];
  const program = name.toLowerCase().replace(/\.exe$/, '');
  const isDispatcher = DISPATCHERS.includes(program);
  return {
    kind: clientKindOf(userAgent),
    program: program === '' ? 'unknown' : program,
    version,
    platform: os === '' ? '' : `${os}/${arch}`,
    isPlugin: program.startsWith('kubectl-') && !isDispatcher,
    isDispatcher,
  };
}

/** One line for people: `kubectl v1.32.4 (linux/amd64)`. */
export function clientText({ program, version, platform }: Client): string {
  const parts = [program, version, platform === '' ? '' : `(${platform})`];
  return parts.filter((part) => part !== '').join(' ');
}
