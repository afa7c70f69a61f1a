import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import {
  attributesOfNamed,
  type AuditPolicy,
  matchPolicy,
  type Requester,
  stagesOf,
} from '@leastwise/audit-policy';
import { type ControlPlane, KubeClient, type StaticUser } from '@leastwise/testkit';

import { inParallel } from '../loop/apply.ts';
import type { SentRequest } from './requests.ts';

/** Who sends requests: somebody with a token, somebody without, or somebody with one that nobody knows. */
export type Sender = StaticUser | 'anonymous' | 'wrong token';

/** A request, who sent it, and the ID under which the log has it. */
export interface Sent {
  readonly sender: Sender;
  readonly request: SentRequest;
  readonly auditID: string;
}

/** What a log has of a request: its level and stages, sorted. */
export interface Logged {
  readonly level: string;
  readonly stages: readonly string[];
}

const NOTHING: Logged = { level: 'None', stages: [] };

/** Sends all requests as each of the senders. */
export async function sendAll(
  plane: ControlPlane,
  senders: readonly Sender[],
  requests: readonly SentRequest[],
): Promise<Sent[]> {
  const all = senders.flatMap((sender) =>
    requests.map((request): Sent => ({ sender, request, auditID: randomUUID() })),
  );
  const clients = new Map(
    senders.map((sender) => [sender, new KubeClient(plane.url, plane.ca, tokenOf(sender))]),
  );
  const send = async ({ sender, request, auditID }: Sent): Promise<void> => {
    const type = request.method === 'PATCH' ? { 'content-type': 'application/merge-patch+json' } : {};
    await clients.get(sender)?.send({ ...request, headers: { 'audit-id': auditID, ...type } });
  };
  // A watch takes a second, in which it does nothing: nobody waits for one after the other.
  const watches = all.filter(({ request }) => request.path.includes('watch='));
  const others = all.filter((each) => !watches.includes(each));
  await Promise.all([...watches.map(send), inParallel(others, send)]);
  for (const client of clients.values()) client.close();
  return all;
}

function tokenOf(sender: Sender): string {
  if (sender === 'anonymous') return '';
  return sender === 'wrong token' ? 'nobody-has-this-token' : sender.token;
}

/** Reads what an audit log has of each request, by its ID. */
export async function readLogged(file: string): Promise<Map<string, Logged>> {
  const logged = new Map<string, Logged>();
  const text = await readFile(file, 'utf8').catch(() => '');
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const { auditID, level, stage } = JSON.parse(line) as Record<'auditID' | 'level' | 'stage', string>;
    const stages = [...(logged.get(auditID)?.stages ?? []), stage].sort();
    logged.set(auditID, { level, stages });
  }
  return logged;
}

/** What the policy makes of a request, by our own word. */
export function predicted(policy: AuditPolicy, { sender, request }: Sent): Logged {
  const named = { user: requesterOf(sender), verb: request.method, url: request.path };
  const attributes = attributesOfNamed(named);
  if (attributes === undefined) throw new Error(`no attributes: ${request.path}`);
  const { level, stages } = matchPolicy(policy, attributes);
  const logged = stagesOf(attributes).filter((stage) => stages.includes(stage));
  // At level None and where all stages are omitted the log looks the same.
  return logged.length === 0 ? NOTHING : { level, stages: [...logged].sort() };
}

function requesterOf(sender: Sender): Requester | undefined {
  if (sender === 'wrong token') return undefined;
  if (sender === 'anonymous') return { username: 'system:anonymous', groups: ['system:unauthenticated'] };
  return { username: sender.name, groups: ['system:authenticated', ...sender.groups] };
}

/** The requests that a log treats otherwise than foreseen, for people. */
export function differences(
  policy: AuditPolicy,
  sent: readonly Sent[],
  logged: ReadonlyMap<string, Logged>,
): string[] {
  return sent.flatMap((each) => {
    const [mine, real] = [predicted(policy, each), logged.get(each.auditID) ?? NOTHING];
    if (textOf(mine) === textOf(real)) return [];
    const who = typeof each.sender === 'string' ? each.sender : each.sender.name;
    const what = `${who}: ${each.request.method} ${each.request.path}`;
    return [`${what}: foreseen ${textOf(mine)}, logged ${textOf(real)}`];
  });
}

function textOf({ level, stages }: Logged): string {
  return `${level} [${stages.join(', ')}]`;
}
