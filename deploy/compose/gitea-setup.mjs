#!/usr/bin/env node
// Makes what people make elsewhere: an organisation with a repository that has a commit, and an account of the
// publisher with a token that may do no more than it needs. What is there already stays.
import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

const GITEA = 'https://gitea:3000/api/v1';
const ACCESS = '/var/lib/gitea/access';
const OUT = '/var/lib/leastwise';
const BOT = 'leastwise-bot';
const ORGANISATION = 'leastwise';
const REPOSITORY = 'policies';
/** docs/publisher.md has why. */
const SCOPES = ['write:repository', 'write:issue', 'read:user'];

const basic = (name, password) => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;

/** Asks the API; one of `fine` is a success too: what is there need not be made. */
async function ask(authorization, method, path, { body, fine = [] } = {}) {
  const answer = await fetch(`${GITEA}${path}`, {
    method,
    headers: { authorization, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok && !fine.includes(answer.status))
    throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return answer.ok && text !== '' ? JSON.parse(text) : undefined;
}

async function hasWorkingToken() {
  if (!existsSync(`${OUT}/token`)) return false;
  const token = `token ${readFileSync(`${OUT}/token`, 'utf8')}`;
  return (await ask(token, 'GET', '/user', { fine: [401, 403] })) !== undefined;
}

async function main() {
  const admin = basic('leastwise-admin', readFileSync(`${ACCESS}/password`, 'utf8'));
  copyFileSync(`${ACCESS}/ca.pem`, `${OUT}/ca.pem`);
  await ask(admin, 'POST', '/orgs', { body: { username: ORGANISATION, visibility: 'public' }, fine: [422] });
  const repository = { name: REPOSITORY, auto_init: true, default_branch: 'main', private: false };
  await ask(admin, 'POST', `/orgs/${ORGANISATION}/repos`, { body: repository, fine: [409] });
  if (await hasWorkingToken()) return;

  const password = randomBytes(16).toString('hex');
  const account = { email: `${BOT}@example.com`, password, must_change_password: false };
  await ask(admin, 'POST', '/admin/users', { body: { username: BOT, ...account }, fine: [422] });
  // Nobody knows the password of one that is there.
  const change = { login_name: BOT, source_id: 0, ...account };
  await ask(admin, 'PATCH', `/admin/users/${BOT}`, { body: change });
  const path = `/repos/${ORGANISATION}/${REPOSITORY}/collaborators/${BOT}`;
  await ask(admin, 'PUT', path, { body: { permission: 'write' } });
  const bot = basic(BOT, password);
  const name = `publisher-${randomBytes(4).toString('hex')}`;
  const { sha1 } = await ask(bot, 'POST', `/users/${BOT}/tokens`, { body: { name, scopes: SCOPES } });
  writeFileSync(`${OUT}/token.new`, sha1, { mode: 0o600 });
  renameSync(`${OUT}/token.new`, `${OUT}/token`);
}

await main();
process.stdout.write('the repository and the account of the publisher are there\n');
