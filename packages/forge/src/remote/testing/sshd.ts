import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { freePort } from '@leastwise/testkit';

const PROGRAMS = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/usr/bin/ssh', '/usr/bin/ssh-keygen'];

/**
 * Whether there is no `sshd` here, which it says loudly, for `describe.skipIf`.
 * @throws Error in CI instead of `true`, where nobody would see what was skipped
 */
export function lacksSshd(): boolean {
  if (sshdPath() !== undefined) return false;
  const message = 'sshd is MISSING (Debian: openssh-server), so the tests of git over ssh are SKIPPED';
  process.stderr.write(`${message}\n`);
  const ci = process.env['CI'] ?? '';
  if (ci !== '' && ci !== 'false') throw new Error(message);
  return true;
}

/** A real sshd on loopback that lets one key in. */
export interface Sshd {
  readonly user: string;
  readonly port: number;
  readonly keyFile: string;
  /** A key that it does not let in. */
  readonly strangerKeyFile: string;
  readonly knownHostsFile: string;
  stop(): Promise<void>;
}

/**
 * Starts one.
 * @param folder - where its own keys and its configuration go; a plain name, as it does not take others.
 * @param clientFolder - where the client's keys and known hosts go.
 */
export async function startSshd(folder: string, clientFolder: string): Promise<Sshd> {
  const at = (name: string): string =>
    join(name.startsWith('host') || name === 'sshd_config' ? folder : clientFolder, name);
  for (const name of ['host', 'client', 'stranger']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', at(name)]);
  }
  copyFileSync(at('client.pub'), at('host_lets_in'));
  const port = await freePort();
  const settings = [
    `Port ${String(port)}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${at('host')}`,
    `AuthorizedKeysFile ${at('host_lets_in')}`,
    'PubkeyAuthentication yes',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    'StrictModes no',
    'PermitRootLogin yes',
    'PidFile none',
  ];
  // Started by root it wants this empty folder, which a system that runs sshd as a service makes at its start.
  if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  writeFileSync(at('sshd_config'), `${settings.join('\n')}\n`);
  const [type, key] = readFileSync(at('host.pub'), 'utf8').split(' ');
  writeFileSync(at('known_hosts'), `[127.0.0.1]:${String(port)} ${type ?? ''} ${key ?? ''}\n`);
  const child = spawn(sshdPath() ?? '', ['-D', '-e', '-f', at('sshd_config')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  for (let attempts = 0; !(await isListening(port)); attempts++) {
    if (child.exitCode !== null || attempts === 200) throw new Error(`sshd does not start: ${said}`);
    await sleep(50);
  }
  return {
    user: userInfo().username,
    port,
    keyFile: at('client'),
    strangerKeyFile: at('stranger'),
    knownHostsFile: at('known_hosts'),
    stop: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

function sshdPath(): string | undefined {
  if (!PROGRAMS.slice(2).every((program) => existsSync(program))) return undefined;
  return PROGRAMS.slice(0, 2).find((program) => existsSync(program));
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
