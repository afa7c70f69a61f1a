import { mkdir } from 'node:fs/promises';

import { type ControlPlane, startControlPlane } from '@leastwise/testkit';

import type { Binaries } from '../support/binaries.ts';
import { Api } from './api.ts';
import { API_SERVER_FLAGS, type Component, startComponents, TOKENS } from './components.ts';
import { drive } from './drive.ts';

/** How a cluster is to live. */
export interface LifeOptions<T> {
  /** A folder for its logs; is made. */
  readonly dir: string;
  readonly binaries: Binaries;
  readonly seconds: number;
  /** What is done to the API server before any controller starts. */
  readonly prepare: (api: Api) => Promise<T>;
}

/** A cluster's life, over. */
export interface Life<T> {
  readonly auditLog: string;
  /** What was found to work, in the drive's order. */
  readonly worked: readonly string[];
  readonly prepared: T;
}

async function tails(components: readonly Component[]): Promise<string> {
  const texts = components.map(async ({ name, child }) => `--- ${name}\n${await child.output()}`);
  return (await Promise.all(texts)).join('\n');
}

async function livingThrough<T>(plane: ControlPlane, options: LifeOptions<T>): Promise<Life<T>> {
  const api = new Api(plane.admin);
  const prepared = await options.prepare(api);
  const components = await startComponents(plane, options.binaries, options.dir);
  const early = components.map(async ({ name, child }) => {
    await child.ended;
    throw new Error(`${name} ended`);
  });
  try {
    const worked = await Promise.race([drive(api, options.seconds), ...early]);
    return { auditLog: plane.auditLog, worked, prepared };
  } catch (error) {
    throw new Error(`${String(error)}; logs in ${options.dir}\n${await tails(components)}`, { cause: error });
  } finally {
    await Promise.all(components.map(({ child }) => child.stop()));
  }
}

/**
 * A cluster from its start to its end: an API server, controllers, a scheduler and kwok, driven for some
 * minutes. Nothing of it runs any more afterwards, however it ended.
 * @throws Error with the last words of the components where something did not work
 */
export async function live<T>(options: LifeOptions<T>): Promise<Life<T>> {
  await mkdir(options.dir, { recursive: true });
  await using plane = await startControlPlane({
    dir: options.dir,
    apiServer: options.binaries.apiServer,
    users: TOKENS,
    flags: API_SERVER_FLAGS,
  });
  return await livingThrough(plane, options);
}
