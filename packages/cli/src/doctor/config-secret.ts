import { readFile } from 'node:fs/promises';

import { parseYamlValue, type YamlNode } from '@leastwise/rbac';

import { type ConfigView, nodeAt } from './config-view.ts';

/** A text that nothing prints. */
export class HiddenText {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text, for whoever logs in with it. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return '***';
  }

  toJSON(): string {
    return '***';
  }
}

/** A secret whose place was named and that is not to be had there. Its message holds no value. */
export class SecretError extends Error {
  override readonly name = 'SecretError';
}

/** Where a service was given its configuration. */
export interface SecretSources {
  /** `--key.path=value`, as given to the service. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * A secret of a configuration. `config print` hides it and says where it was written; it is read again there.
 * @returns `undefined` where there is none
 * @throws SecretError where it cannot be read there
 */
export async function secretOf(
  view: ConfigView,
  path: string,
  sources: SecretSources,
): Promise<HiddenText | undefined> {
  const origin = view.originOf(path);
  if (origin === undefined) return undefined;
  const { text, isFile } = await writtenAt(origin, path, sources);
  return new HiddenText(isFile ? await fileText(path, text) : text);
}

interface Written {
  readonly text: string;
  /** The text is the name of a file that holds the secret. */
  readonly isFile: boolean;
}

async function writtenAt(origin: string, path: string, { argv, env }: SecretSources): Promise<Written> {
  if (origin.startsWith('--')) {
    return { text: flagValue(origin, argv) ?? lost(path), isFile: origin.endsWith('File') };
  }
  if (/^LEASTWISE_[A-Z0-9_]+$/.test(origin)) {
    return { text: env[origin] ?? lost(path), isFile: origin.endsWith('_FILE') };
  }
  return fromConfigFile(origin.replace(/:\d+$/, ''), path);
}

function flagValue(flag: string, argv: readonly string[]): string | undefined {
  const at = argv.findIndex((each) => each === flag || each.startsWith(`${flag}=`));
  const found = argv[at];
  return found === flag ? argv[at + 1] : found?.slice(flag.length + 1);
}

async function fromConfigFile(file: string, path: string): Promise<Written> {
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch {
    return lost(path);
  }
  const root = parseYamlValue(content).value;
  const direct = textAt(root, path);
  return direct === undefined
    ? { text: textAt(root, `${path}File`) ?? lost(path), isFile: true }
    : { text: direct, isFile: false };
}

function textAt(root: YamlNode | undefined, path: string): string | undefined {
  const node = nodeAt(root, path);
  return typeof node === 'string' ? node : undefined;
}

async function fileText(path: string, file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
  } catch {
    // Without the path: somebody may have put the secret itself there.
    throw new SecretError(`the file of ${path} cannot be read`);
  }
}

function lost(path: string): never {
  throw new SecretError(`${path} cannot be read where the configuration says that it stands`);
}
