/**
 * What is wrong with the store. `unreachable`: nobody answers. `refused`: it answers, and does not want us, so waiting
 * does not help: credentials, permissions, certificates. `unwell`: it answers, and cannot write at present: full,
 * loading, a replica, without a majority.
 */
export type StoreTrouble = 'unreachable' | 'refused' | 'unwell';

/**
 * Redis did not do what it was asked to. After `unreachable` it is not known whether it did.
 * Messages hold no credentials, and there is no `cause`: the errors of the client hold what it sent, AUTH included.
 */
export class StoreConnectionError extends Error {
  override readonly name = 'StoreConnectionError';
  readonly code = 'LW_STORE_CONNECTION';
  readonly kind: StoreTrouble;

  constructor(kind: StoreTrouble, message: string) {
    super(message);
    this.kind = kind;
  }
}

const REFUSED =
  /\b(?:WRONGPASS|NOAUTH|NOPERM|DENIED)\b|ERR (?:invalid password|AUTH |Client sent AUTH|DB index|SELECT )/;
/** What Node and OpenSSL say where a certificate is not accepted, by either side. */
const TLS_REFUSED =
  /certificate|self.signed|\bssl3?_|ssl routines|handshake failure|wrong version number|altname/i;
/** Redis 6 wraps what a command in a script answers, later ones do not. */
const UNWELL =
  /^(?:ERR Error running script.*-)?(?:OOM|LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|MISCONF|NOREPLICAS)\b/;

/** Whether Redis said so itself: then it has not done what it was asked to. */
function isReply(error: Error): boolean {
  return error.name === 'ReplyError';
}

/** Whether Redis refused for now, having done nothing: asking again may help, and cannot harm. */
export function isUnwell(error: unknown): boolean {
  return error instanceof Error && isReply(error) && UNWELL.test(error.message);
}

/** What an error of the client means; `undefined` where Redis understood the command and found it wrong. */
export function troubleOf(error: Error): StoreTrouble | undefined {
  const texts = messagesOf(error);
  if (texts.some((text) => REFUSED.test(text))) return 'refused';
  if (isUnwell(error)) return 'unwell';
  if (isReply(error)) return undefined;
  return texts.some((text) => TLS_REFUSED.test(text)) ? 'refused' : 'unreachable';
}

/** An error of the client as one of ours, without what it sent; what Redis found wrong stays a plain error. */
export function toStoreError(what: string, error: unknown): Error {
  if (error instanceof StoreConnectionError) return error;
  if (!(error instanceof Error)) return new Error(`${what}: ${String(error)}`);
  const trouble = troubleOf(error);
  const message = `${what}: ${sayingOf(error)}`;
  return trouble === undefined ? new Error(message) : new StoreConnectionError(trouble, message);
}

/** What an error says, in words or as a code. */
export function sayingOf(error: Error): string {
  return messagesOf(error).at(-1) ?? error.name;
}

/** The messages of an error and of those that it stands for, outermost first. */
function messagesOf(error: Error): string[] {
  const inner: unknown = Reflect.get(error, 'lastNodeError');
  const code: unknown = Reflect.get(error, 'code');
  const text = error.message === '' && typeof code === 'string' ? code : error.message;
  const own = text === '' ? [] : [text];
  return inner instanceof Error && inner !== error ? [...own, ...messagesOf(inner)] : own;
}
