import type { ConfigKey, Layer } from './config-keys.ts';
import { didYouMean, emptyLayer, keyName, keysByName, variableName, variablePrefix } from './config-keys.ts';
import { coerceText, expandSecretFiles } from './config-value.ts';
import { readSecretFile } from './secret-file.ts';

/** Variables as a process has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the flags gave, and the configuration file that they name. */
export interface FlagLayer extends Layer {
  readonly configPath: string | undefined;
}

/**
 * What Kubernetes sets in every pod for a Service of a matching name: `leastwise-aggregator` gives
 * `LEASTWISE_AGGREGATOR_PORT=tcp://10.0.0.1:9090`. Nobody configured that.
 * @see https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
 */
const SERVICE_LINK = /(?:^|_)(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)$/;
const SERVICE_LINK_URL = /^(?:tcp|udp|sctp):\/\//;

/** The variable that names the configuration file. */
export function configVariable(service: string): string {
  return `${variablePrefix(service)}CONFIG`;
}

/**
 * The layer of the environment. A variable that is set to nothing is set: it gives an empty text or list.
 * @throws Error if two keys of the schema share a variable.
 */
export function readEnvironment(service: string, keys: readonly ConfigKey[], env: Environment): Layer {
  const reserved = configVariable(service);
  const byName = keysByName(keys, (key) => variableName(service, key), reserved);
  const prefix = variablePrefix(service);
  const layer = emptyLayer();
  for (const name of Object.keys(env).sort()) {
    const text = env[name];
    if (!name.startsWith(prefix) || name === reserved || text === undefined) continue;
    const key = byName.get(name);
    const isLink =
      (key === undefined && SERVICE_LINK.test(name.slice(prefix.length))) ||
      (name.endsWith('_PORT') && SERVICE_LINK_URL.test(text));
    if (isLink) continue;
    if (key === undefined) {
      layer.problems.push(`${name}: names no key${didYouMean(name, byName.keys())}`);
    } else {
      give(layer, key, name, text);
    }
  }
  return layer;
}

/**
 * The layer of the flags: `--key.path=value` or `--key.path value`; a boolean may stand alone for true.
 * A value that begins with `--` needs the `=`.
 * @throws Error if a key of the schema is called `config`, which is the flag of the file.
 */
export function readFlags(keys: readonly ConfigKey[], argv: readonly string[]): FlagLayer {
  const byName = keysByName(keys, keyName, 'config');
  const layer = emptyLayer();
  const seen = new Set<string>();
  let configPath: string | undefined;
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at] ?? '';
    if (!argument.startsWith('--') || argument === '--') {
      layer.problems.push(`argument ${at + 1}: is no flag; values are given as --key=value`);
      continue;
    }
    const flag = splitFlag(argument, argv[at + 1], byName.get(argument.slice(2)));
    if (flag.tookNext) at++;
    const origin = `--${flag.name}`;
    const key = byName.get(flag.name);
    if (flag.name !== 'config' && key === undefined) {
      layer.problems.push(`${origin}: names no key${didYouMean(flag.name, byName.keys())}`);
    } else if (seen.has(flag.name)) {
      layer.problems.push(`${origin}: is given twice`);
    } else if (flag.value === undefined) {
      layer.problems.push(`${origin}: has no value`);
      if (key !== undefined) layer.broken.push(key.path);
    } else if (key === undefined) {
      configPath = flag.value;
    } else {
      give(layer, key, origin, flag.value);
    }
    seen.add(flag.name);
  }
  return { ...layer, configPath };
}

interface Flag {
  readonly name: string;
  readonly value: string | undefined;
  readonly tookNext: boolean;
}

function splitFlag(argument: string, next: string | undefined, key: ConfigKey | undefined): Flag {
  const equals = argument.indexOf('=');
  if (equals >= 0) {
    return { name: argument.slice(2, equals), value: argument.slice(equals + 1), tookNext: false };
  }
  const name = argument.slice(2);
  if (next !== undefined && !next.startsWith('--')) return { name, value: next, tookNext: true };
  const isSwitch = key?.node.kind === 'scalar' && key.node.types.has('boolean');
  return { name, value: isSwitch ? 'true' : undefined, tookNext: false };
}

function give(layer: Layer, key: ConfigKey, origin: string, text: string): void {
  const twice = layer.given.find((given) => given.path.join('.') === key.path.join('.'));
  if (twice !== undefined) {
    layer.problems.push(`${origin}: the secret is given twice, by ${twice.origin} too`);
    return;
  }
  const file = key.isFile ? readSecretFile(text) : undefined;
  if (file?.ok === false) {
    layer.problems.push(`${origin}: ${file.why}`);
    layer.broken.push(key.path);
    return;
  }
  const coerced = coerceText(key.node, file?.text ?? text);
  if (!coerced.ok) {
    layer.problems.push(`${origin}: ${coerced.why}`);
    layer.broken.push(key.path);
    return;
  }
  const value = expandSecretFiles(key.node, coerced.value, key.path, {
    problem: (path, problem) => {
      layer.problems.push(`${origin}: ${path.join('.')}: ${problem}`);
      layer.broken.push(key.path);
    },
    secret: (path, name) => layer.files.push({ path, file: name }),
  });
  if (file !== undefined) layer.files.push({ path: key.path, file: text });
  layer.given.push({ path: key.path, value, origin });
}
