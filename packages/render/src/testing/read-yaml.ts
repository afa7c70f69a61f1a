import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import { parseAllDocuments } from 'yaml';

/** The values of all documents; throws at the first error or warning of the parser. */
export function readYaml(text: string, version: '1.1' | '1.2' = '1.2'): unknown[] {
  return [...parseAllDocuments(text, { version, strict: true })].map((document) => {
    const problem = document.errors[0] ?? document.warnings[0];
    if (problem !== undefined) throw problem;
    const value: unknown = document.toJS();
    return value;
  });
}

/** Whether kubectl, which brings kustomize, is installed. */
export const HAS_KUBECTL = (process.env['PATH'] ?? '')
  .split(delimiter)
  .some((folder) => existsSync(join(folder, 'kubectl')));

/** Runs kubectl without any cluster, and gives what it prints. */
export function kubectl(...args: string[]): string {
  const env = { PATH: process.env['PATH'], HOME: '/nonexistent', KUBECONFIG: '/dev/null' };
  return execFileSync('kubectl', args, { encoding: 'utf8', stdio: 'pipe', env });
}
