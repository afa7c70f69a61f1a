import { request, type RequestOptions } from 'node:http';

const PING_TIMEOUT_MS = 1000;

/** Whether a Docker daemon answers within a second, at `DOCKER_HOST` or at the usual socket. */
export function dockerAnswers(host = process.env['DOCKER_HOST'] ?? ''): Promise<boolean> {
  const target = dockerTarget(host);
  if (target === undefined) return Promise.resolve(false);
  return new Promise((resolve) => {
    const ping = request({ ...target, path: '/_ping' }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping.on('error', () => resolve(false));
    // Not the option `timeout`: that one starts anew with each byte.
    setTimeout(() => ping.destroy(new Error('late')), PING_TIMEOUT_MS).unref();
    ping.end();
  });
}

function dockerTarget(host: string): RequestOptions | undefined {
  if (host === '') return { socketPath: '/var/run/docker.sock' };
  if (host.startsWith('unix://')) return { socketPath: host.slice('unix://'.length) };
  if (!URL.canParse(host)) return undefined;
  const { hostname, port } = new URL(host);
  return { hostname, port };
}
