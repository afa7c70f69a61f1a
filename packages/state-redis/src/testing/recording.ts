import type { Connection } from '../scripts.ts';

/** A script as it was called. */
export interface Call {
  readonly script: string;
  readonly args: readonly unknown[];
}

/** A connection that keeps note of the scripts that are called on it. */
export function recording(connection: Connection): {
  readonly connection: Connection;
  readonly calls: Call[];
} {
  const calls: Call[] = [];
  const recorder = new Proxy(connection, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (typeof name !== 'string' || !name.startsWith('lw')) return value.bind(target) as unknown;
      return (...args: unknown[]) => {
        calls.push({ script: name, args: [...args] });
        return Reflect.apply(value, target, args) as unknown;
      };
    },
  });
  return { connection: recorder, calls };
}

/** Calls a script once more. */
export async function callAgain(connection: Connection, { script, args }: Call): Promise<unknown> {
  const command: unknown = Reflect.get(connection, script);
  if (typeof command !== 'function') throw new Error(`no script ${script}`);
  return Reflect.apply(command, connection, args);
}
