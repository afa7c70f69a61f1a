import { escapeTerminal } from '@leastwise/render';

/**
 * Why a cluster did not do as asked; a closed set, fit for a metric's label.
 *
 * `configuration`: the kubeconfig, a file it names, or a certificate; `unreachable`: no answer; `overloaded`: it
 * answers and cannot serve (429, 5xx); `unauthorized`: it does not know us; `forbidden`: it does, and we may not;
 * `not-installed`: it has no such kind of object; `no-namespace`: missing, or being deleted; `conflict`: somebody else
 * wrote in between, or holds it; `invalid`: it refuses the object; `unexpected`: anything else.
 */
export const KUBE_FAILURES = [
  'configuration',
  'unreachable',
  'overloaded',
  'unauthorized',
  'forbidden',
  'not-installed',
  'no-namespace',
  'conflict',
  'invalid',
  'unexpected',
] as const;
/** One of {@link KUBE_FAILURES}. */
export type KubeFailure = (typeof KUBE_FAILURES)[number];

/**
 * A cluster that did not do as asked. Never holds a credential, and has no `cause`: what the libraries throw may quote
 * the kubeconfig, or what a credential plugin printed.
 */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly code = 'LW_KUBE';
  readonly failure: KubeFailure;
  /** The HTTP status; `undefined` where there was no answer. */
  readonly status: number | undefined;

  constructor(failure: KubeFailure, message: string, status?: number) {
    super(message);
    this.failure = failure;
    this.status = status;
  }
}

const MAX_MESSAGE = 500;

/** What an API server said, as one line of bounded text: it quotes names that anybody may have chosen. */
export function shownMessage(text: string): string {
  const shown = escapeTerminal(text.slice(0, MAX_MESSAGE));
  return text.length > MAX_MESSAGE ? `${shown}…` : shown;
}
