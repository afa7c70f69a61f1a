import { ForgeError } from '@leastwise/publish';

import { createTransport, type Transport } from '../http/transport.ts';
import { REAL_WAITING, type Waiting } from '../http/waiting.ts';

/** What is needed to reach one repository of a forge. */
export interface ForgeOptions {
  /** The address of the API, such as `https://api.github.com`, `https://gitlab.example.com/api/v4`, `https://gitea.example.com/api/v1`. */
  readonly apiUrl: string;
  /** `owner/name`; on GitLab the path with all groups. */
  readonly repository: string;
  /** Asked for before every request, since tokens are replaced. */
  readonly token: () => Promise<string>;
  /** PEM file of an authority that is trusted beside the well-known ones. */
  readonly caFile?: string;
  /** For one request; 30 s where nothing is said. */
  readonly timeoutMs?: number;
  /** Time and chance; the machine's where nothing is said. */
  readonly waiting?: Waiting;
}

/** The parts of an HTTP client that no forge has a say in. */
export interface Reach {
  readonly apiUrl: string;
  readonly token: () => Promise<string>;
  readonly transport: Transport;
  readonly waiting: Waiting;
}

/** The parts of an HTTP client that come from the options as they are. */
export function reach(options: ForgeOptions): Reach {
  const { apiUrl, token, caFile, timeoutMs, waiting = REAL_WAITING } = options;
  return { apiUrl, token, waiting, transport: createTransport({ caFile, timeoutMs }) };
}

const SEGMENT = /^[\p{L}\p{N}_.-]+$/u;

/**
 * The segments of a repository's name.
 * @throws ForgeError where it is no name of as many segments as the forge has
 */
export function repositorySegments(name: string, repository: string, most: number): readonly string[] {
  const segments = repository.split('/');
  const isName = segments.every((segment) => SEGMENT.test(segment) && !/^\.+$/.test(segment));
  if (isName && segments.length >= 2 && segments.length <= most) return segments;
  throw new ForgeError('refused', `${name}: ${JSON.stringify(repository)} is not the name of a repository`);
}
