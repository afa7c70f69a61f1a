import type { Trace } from '../../traces/trace.ts';
import type { Draft, Near } from './command.ts';
import { never, readsOf, readsPodOf } from './match.ts';

/** Waiting for a debugger or an attached shell to come up takes as long as pulling an image. */
const PULL_US = 120_000_000;

function containerWords({ hints }: Trace): string[] {
  return hints.container === '' ? [] : ['-c', hints.container];
}

/**
 * What `kubectl cp` has exec run: a tar that writes to standard output, or one that reads from standard input.
 * @see k8s.io/kubectl pkg/cmd/cp/cp.go
 */
function copyWords({ hints, name }: Trace): string[] | undefined {
  const [program, ...words] = hints.command;
  if (program !== 'tar') return undefined;
  if (words[0] === 'cf' && words[1] === '-') return [`${name}:${words[2] ?? ''}`, '…'];
  const [mode, file, ...rest] = words.filter((word) => !word.startsWith('--no-same-'));
  if (mode !== '-xmf' || file !== '-') return undefined;
  return ['…', `${name}:${rest[0] === '-C' ? (rest[1] ?? '') : ''}`];
}

function execDraft(trace: Trace): Draft {
  const before = readsPodOf(trace);
  const copied = copyWords(trace);
  if (copied) return { verb: 'cp', resource: 'pods', words: [...copied, ...containerWords(trace)], before };
  const { hasStdin, hasTerminal, command } = trace.hints;
  const flags = `${hasStdin ? 'i' : ''}${hasTerminal ? 't' : ''}`;
  const words = [
    ...containerWords(trace),
    ...(flags === '' ? [] : [`-${flags}`]),
    ...(command.length === 0 ? [] : ['--', ...command]),
  ];
  return { verb: 'exec', resource: 'pods', words, before };
}

function logsDraft(trace: Trace): Draft {
  const { isFollowing, isPrevious } = trace.hints;
  const words = [
    ...containerWords(trace),
    ...(isFollowing ? ['-f'] : []),
    ...(isPrevious ? ['--previous'] : []),
  ];
  return { verb: 'logs', resource: 'pods', words, before: readsPodOf(trace) };
}

function isAttach(trace: Trace): (other: Trace) => boolean {
  const reads = readsOf(trace);
  return (other) =>
    reads(other) ||
    (other.name === trace.name &&
      other.namespace === trace.namespace &&
      (other.resource === 'pods/attach' || other.resource === 'pods/log'));
}

/** Commands that reach into pods: exec, cp, logs, port-forward, attach, debug, run. */
export function podRule(trace: Trace, near: Near): Draft | undefined {
  switch (trace.resource) {
    case 'pods/exec':
      return execDraft(trace);
    case 'pods/log':
      return trace.verb === 'get' ? logsDraft(trace) : undefined;
    case 'pods/portforward':
      return { verb: 'port-forward', resource: 'pods', before: readsPodOf(trace) };
    case 'pods/attach': {
      const words = trace.hints.hasTerminal ? [...containerWords(trace), '-it'] : containerWords(trace);
      return { verb: 'attach', resource: 'pods', words, before: readsPodOf(trace) };
    }
    case 'pods/ephemeralcontainers':
      return trace.verb === 'get'
        ? undefined
        : {
            verb: 'debug',
            resource: 'pods',
            before: readsOf(trace),
            after: isAttach(trace),
            afterUs: PULL_US,
            until: never,
          };
    case 'pods':
      return startRule(trace, near);
    default:
      return undefined;
  }
}

/** A pod that is made and attached to at once: `run -it`, by its field manager; or `debug`, which says nothing. */
function startRule(trace: Trace, near: Near): Draft | undefined {
  if (trace.verb !== 'create') return undefined;
  const after = isAttach(trace);
  if (trace.hints.fieldManager === 'kubectl-run')
    return { verb: 'run', after, afterUs: PULL_US, until: never };
  const isDebugger =
    trace.name.startsWith('node-debugger-') ||
    near.after((other) => other.resource === 'pods/attach' && after(other)) !== undefined;
  if (trace.hints.fieldManager !== '' || !isDebugger) return undefined;
  return { verb: 'debug', certainty: 'likely', after, afterUs: PULL_US, until: never };
}
