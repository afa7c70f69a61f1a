import type { RedisFacts, RedisUser } from '@leastwise/state-redis';

import { formatBytes } from '../progress.ts';
import { clockVerdict } from './clock.ts';
import type { ConfiguredRedis } from './redis-settings.ts';
import { shellWord } from './shell-word.ts';
import { failed, ok, skipped, type Verdict, warning } from './verdict.ts';

/** From this share of `maxmemory` on there is little left. */
const NEARLY_FULL = 0.8;
/** What a full one needs to take writes again for some time. */
const ROOM = 1.5;

/** What a server says of its clock, its memory, and of what our user may do there. */
export function factVerdicts(
  what: string,
  facts: RedisFacts,
  redis: ConfiguredRedis,
  user: RedisUser,
): Verdict[] {
  const name = facts.server === '' ? what : `${what}, ${facts.server}`;
  const { clockAheadMs } = facts;
  return [
    clockAheadMs === undefined
      ? skipped(`${name}, clock`, 'it does not tell the time')
      : clockVerdict(name, clockAheadMs, 'Leases and alerts go by it.'),
    memoryVerdict(`${name}, memory`, facts),
    permissionVerdict(`${name}, permissions`, facts, redis, user),
  ];
}

function memoryVerdict(what: string, { usedBytes, maxBytes }: RedisFacts): Verdict {
  const used = formatBytes(usedBytes);
  if (maxBytes === 0) {
    return warning(
      what,
      `it uses ${used}, and nothing bounds it but the machine, which ends what takes too much`,
      `redis-cli CONFIG SET maxmemory BYTES, below what the machine or the pod has; then a full one refuses writes, and loses none.`,
    );
  }
  const share = usedBytes / maxBytes;
  const says = `it uses ${used} of ${formatBytes(maxBytes)} (${Math.floor(share * 100)} %)`;
  if (share < NEARLY_FULL) return ok(what, says);
  const remedy = `redis-cli CONFIG SET maxmemory ${Math.ceil(maxBytes * ROOM)}, where the machine has it; at 100 % aggregators stand still.`;
  return share < 1 ? warning(what, says, remedy) : failed(what, `${says}, and refuses writes`, remedy);
}

function permissionVerdict(
  what: string,
  { refused }: RedisFacts,
  { settings, prefix }: ConfiguredRedis,
  user: RedisUser,
): Verdict {
  if (refused === undefined) {
    return skipped(
      what,
      'it cannot say, being older than Redis 7.0',
      'Compare redis-cli ACL GETUSER with what the documents list.',
    );
  }
  if (refused.length === 0) return ok(what, `its user may do all that the ${user} does`);
  const name = shellWord(settings.username ?? 'default');
  const rules = refused.map((command) => `+${command.toLowerCase()}`).join(' ');
  return failed(
    what,
    `its user may not use ${refused.join(', ')} on keys that begin with ${prefix}`,
    `redis-cli ACL SETUSER ${name} ${shellWord(`~${prefix}*`)} ${rules}`,
  );
}
