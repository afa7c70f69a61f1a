import { KubeError, shownMessage } from '../kube-error.ts';
import { errorOf, type WatchableCluster } from '../request.ts';
import { REAL_WAITING, type Waiting } from '../waiting.ts';
import { keyOf, type KubeObject } from './kube-object.ts';
import { listObjects, type ListRequest } from './list-objects.ts';
import { readWatchEvent } from './watch-event.ts';

/** What became of an object. Absent `after`: it is gone; absent `before`: it is new. */
export interface ObjectChange {
  readonly before?: KubeObject;
  readonly after?: KubeObject;
}

/** What is told of the objects of a kind. */
export interface WatchListener {
  /** Called with changes in the order in which they happened; after a list, with all differences at once. */
  onChanges(changes: readonly ObjectChange[]): void;
  /** What is known is what the server has: a list was read whole. */
  onListed?(objects: number): void;
  /** Something went wrong; the watch goes on after a while. */
  onError?(error: KubeError): void;
}

/** How objects are watched. */
export interface WatchOptions {
  readonly waiting?: Waiting;
  readonly pageSize?: number;
  /** For how long the server keeps a watch open, in seconds; 4 to 5 minutes by default, as other clients do. */
  readonly watchSeconds?: number;
}

const WATCH_SECONDS = 240;
/** How long after its end a watch is taken for dead: the other side may be gone without a word. */
const OVERDUE_MS = 15_000;
const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 30_000;
const SHORTEST_WATCH_MS = 1000;

/** Asked anew each time, for it changes while something is awaited. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}

/**
 * The objects of one kind as the API server has them, kept current. Lists page by page, watches from there, and lists
 * again where the server cannot go on (410, after a compaction) — never anything less: what happened in between shows
 * as the difference. Failures are waited out, with growing and spread pauses, for as long as it runs.
 */
export class WatchedObjects {
  readonly #cluster: WatchableCluster;
  readonly #request: ListRequest;
  readonly #listener: WatchListener;
  readonly #options: WatchOptions;
  readonly #waiting: Waiting;
  #objects = new Map<string, KubeObject>();
  /** From which to go on; `undefined` where a list is needed. */
  #version: string | undefined;
  #isListed = false;
  #failures = 0;
  /** Breaks off the watch that is open. */
  #interrupted = new AbortController();
  /** Whether the last watch ended as soon as it had begun. */
  #isHasty = false;
  #confirmedAtMs = 0;

  constructor(
    cluster: WatchableCluster,
    request: ListRequest,
    listener: WatchListener,
    options: WatchOptions = {},
  ) {
    this.#cluster = cluster;
    this.#request = request;
    this.#listener = listener;
    this.#options = options;
    this.#waiting = options.waiting ?? REAL_WAITING;
  }

  /** By {@link keyOf}. Empty until the first list was read. */
  get objects(): ReadonlyMap<string, KubeObject> {
    return this.#objects;
  }

  /** Whether the objects were ever read whole. */
  get isListed(): boolean {
    return this.#isListed;
  }

  /** When the server last said something about them, in milliseconds since the epoch; 0 if never. */
  get confirmedAtMs(): number {
    return this.#confirmedAtMs;
  }

  /** Lets everything be read anew, now. What is known stays until then. */
  refresh(): void {
    this.#version = undefined;
    this.#interrupted.abort();
  }

  /** Watches until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const error = await this.#once(signal);
      if (isOver(signal)) return;
      if (error) this.#listener.onError?.(error);
      if (error ?? this.#isHasty) await this.#pause(signal);
      else this.#failures = 0;
    }
  }

  /** @returns why it ended, where that was no regular end */
  async #once(signal: AbortSignal): Promise<KubeError | undefined> {
    this.#isHasty = false;
    try {
      if (this.#version === undefined) await this.#list();
      if (isOver(signal)) return undefined;
      const startMs = this.#waiting.now();
      await this.#watch(signal);
      // A server that ends every watch at once is not to be asked in a tight loop.
      this.#isHasty = this.#waiting.now() - startMs < SHORTEST_WATCH_MS;
      return undefined;
    } catch (error) {
      if (error instanceof KubeError) return error;
      throw error;
    }
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const delayMs = Math.min(FIRST_DELAY_MS * 2 ** this.#failures, MAX_DELAY_MS);
    this.#failures += 1;
    let abort = (): void => undefined;
    const aborted = new Promise<void>((resolve) => {
      abort = resolve;
      signal.addEventListener('abort', abort);
    });
    await Promise.race([this.#waiting.sleep(delayMs * (0.5 + this.#waiting.random() / 2)), aborted]);
    signal.removeEventListener('abort', abort);
  }

  async #list(): Promise<void> {
    const { pageSize } = this.#options;
    const { objects, resourceVersion } = await listObjects(this.#cluster, this.#request, {
      waiting: this.#waiting,
      ...(pageSize === undefined ? {} : { pageSize }),
    });
    const changes: ObjectChange[] = [];
    for (const [key, before] of this.#objects) if (!objects.has(key)) changes.push({ before });
    for (const [key, after] of objects) {
      const before = this.#objects.get(key);
      if (before === undefined) changes.push({ after });
      else if (before.resourceVersion !== after.resourceVersion) changes.push({ before, after });
    }
    this.#objects = objects;
    this.#version = resourceVersion;
    this.#isListed = true;
    this.#confirmedAtMs = this.#waiting.now();
    this.#listener.onListed?.(objects.size);
    if (changes.length > 0) this.#listener.onChanges(changes);
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { watchSeconds = WATCH_SECONDS } = this.#options;
    const seconds = Math.round(watchSeconds * (1 + this.#waiting.random() / 4));
    const query = {
      ...this.#request.query,
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: this.#version ?? '',
      timeoutSeconds: String(seconds),
    };
    const overdue = AbortSignal.timeout(seconds * 1000 + OVERDUE_MS);
    const broken = new AbortController();
    this.#interrupted = broken;
    let failure: KubeError | undefined;
    const onLine = (line: string): void => {
      if (failure !== undefined || broken.signal.aborted || signal.aborted) return;
      failure = this.#take(line);
      if (failure !== undefined || this.#version === undefined) broken.abort();
    };
    const { path } = this.#request;
    const ends = AbortSignal.any([signal, overdue, broken.signal]);
    try {
      const answer = await this.#cluster.follow({ method: 'GET', path, query }, onLine, ends);
      if (answer.status === 410) this.#version = undefined;
      else if (answer.status >= 300) throw errorOf(`${this.#cluster.server}: watch ${path}`, answer);
    } catch (error) {
      // What we broke off ourselves says why.
      if (!broken.signal.aborted) throw error;
    }
    if (failure) throw failure;
  }

  /** @returns why nothing more can be believed of this watch */
  #take(line: string): KubeError | undefined {
    const event = readWatchEvent(line);
    this.#confirmedAtMs = this.#waiting.now();
    switch (event.kind) {
      case 'expired':
        this.#version = undefined;
        return undefined;
      case 'failed':
        this.#version = undefined;
        return new KubeError(
          'unexpected',
          `${this.#cluster.server}: watch ${this.#request.path}: ${shownMessage(event.message)}`,
        );
      case 'bookmark':
        this.#version = event.resourceVersion;
        return undefined;
      case 'set':
      case 'deleted':
        this.#change(event.kind, event.object);
        return undefined;
    }
  }

  #change(kind: 'set' | 'deleted', object: KubeObject): void {
    const key = keyOf(object);
    const before = this.#objects.get(key);
    this.#version = object.resourceVersion;
    if (kind === 'set') this.#objects.set(key, object);
    else this.#objects.delete(key);
    if (kind === 'deleted' && before === undefined) return;
    this.#listener.onChanges([
      { ...(before ? { before } : {}), ...(kind === 'set' ? { after: object } : {}) },
    ]);
  }
}
