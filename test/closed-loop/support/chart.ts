import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { parseAllDocuments } from 'yaml';

import { listAt, textAt } from '../living/api.ts';

const run = promisify(execFile);

/** A file of the project. */
export const projectFile = (path: string): string =>
  fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/** The folder of the chart. */
export const CHART = projectFile('deploy/helm/leastwise');
/** Where the tests install it, as the documents do. */
export const NAMESPACE = 'leastwise-system';
/** Values as people write them, each for another surrounding. */
export const EXAMPLES = readdirSync(join(CHART, 'ci')).sort();

/** An object of Kubernetes. */
export type Manifest = Readonly<Record<string, unknown>>;

/**
 * The real Helm: `LEASTWISE_TEST_HELM` (a program), else built from its published module and cached. `undefined`, said
 * loudly, where neither works here.
 */
export async function helmProgram(): Promise<string | undefined> {
  try {
    const given = process.env['LEASTWISE_TEST_HELM'];
    if (given !== undefined) return given;
    const { stdout } = await run(process.execPath, [projectFile('test/kubernetes/helm.mjs')]);
    return stdout.trim();
  } catch (error) {
    console.warn(`SKIPPED: no Helm here (needs Go): ${String(error).slice(0, 2000)}`);
    return undefined;
  }
}

/** How a program ended and what it said. */
export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, whatever that is. */
export async function ran(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Said> {
  try {
    const options = { maxBuffer: 1 << 26, env: { PATH: process.env['PATH'], ...env } };
    return { code: 0, ...(await run(program, [...args], options)) };
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string };
    return { code: typeof code === 'number' ? code : -1, stdout, stderr };
  }
}

/** The chart, rendered by a real Helm. */
export class Chart {
  readonly helm: string;

  constructor(helm: string) {
    this.helm = helm;
  }

  /** What `helm` itself says. */
  said(...args: readonly string[]): Promise<Said> {
    return ran(this.helm, args, { HOME: '/nonexistent' });
  }

  /** `helm template` with the values of an example, or the chart's own, and flags. */
  async template(example?: string, ...flags: readonly string[]): Promise<Said> {
    const values = example === undefined ? [] : ['-f', join(CHART, 'ci', example)];
    return await this.said('template', 'leastwise', CHART, '-n', NAMESPACE, ...values, ...flags);
  }

  /** The objects of a release. @throws Error where it is not rendered */
  async objects(example?: string, ...flags: readonly string[]): Promise<Manifest[]> {
    const { code, stdout, stderr } = await this.template(example, ...flags);
    if (code !== 0) throw new Error(stderr);
    return manifestsIn(stdout);
  }
}

/** The objects of a stream of YAML. */
export function manifestsIn(text: string): Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    const object = document.toJS() as Manifest | null;
    return object === null ? [] : [object];
  });
}

/** Those of one kind. */
export function ofKind(objects: readonly Manifest[], kind: string): Manifest[] {
  return objects.filter((each) => each['kind'] === kind);
}

/** The one of a kind and a name. @throws Error where there is none */
export function objectOf(objects: readonly Manifest[], kind: string, name: string): Manifest {
  const found = ofKind(objects, kind).find((each) => textAt(each, 'metadata', 'name') === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found;
}

/** What a role lets someone do, one cell a line. */
export function cellsOf(role: Manifest): string[] {
  const namespace = textAt(role, 'metadata', 'namespace');
  const all = (rule: unknown, key: string): string[] => listAt(rule, key).map(String);
  return listAt(role, 'rules').flatMap((rule) => {
    const names = all(rule, 'resourceNames');
    return all(rule, 'apiGroups').flatMap((group) =>
      all(rule, 'resources').flatMap((resource) =>
        all(rule, 'verbs').flatMap((verb) =>
          (names.length === 0 ? ['*'] : names).map((name) =>
            [namespace, verb, group, resource, name].join(' '),
          ),
        ),
      ),
    );
  });
}
