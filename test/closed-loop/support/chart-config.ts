import { generateKeyPairSync } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { at, listAt, textAt } from '../living/api.ts';
import { type Manifest, ofKind, projectFile, ran, type Said } from './chart.ts';
import { certificate } from './webhook.ts';

const MOUNTED = /\/(?:etc\/leastwise\/(?:secrets|files)|var\/run\/secrets)\/[^\s'"]+/g;

/** The configuration file of a component, as the chart renders it. */
export interface ConfigFile {
  readonly component: string;
  readonly text: string;
  /** The pod that reads it. */
  readonly pod: unknown;
}

/** The configuration files among the objects of a release. */
export function configFiles(objects: readonly Manifest[]): ConfigFile[] {
  return ofKind(objects, 'Deployment').map((deployment) => {
    const name = textAt(deployment, 'metadata', 'name');
    const component = textAt(deployment, 'spec', 'selector', 'matchLabels', 'app.kubernetes.io/component');
    const map = ofKind(objects, 'ConfigMap').find((each) => textAt(each, 'metadata', 'name') === name);
    const text = textAt(map, 'data', `${component}.yaml`);
    return { component, text, pod: at(deployment, 'spec', 'template') };
  });
}

/** The paths of a configuration that are in no folder which its pod mounts. */
export function unmounted({ text, pod }: ConfigFile): string[] {
  const [container] = listAt(pod, 'spec', 'containers');
  const folders = listAt(container, 'volumeMounts').map((each) => `${textAt(each, 'mountPath')}/`);
  return pathsIn(text).filter((path) => !folders.some((folder) => path.startsWith(folder)));
}

function pathsIn(text: string): string[] {
  return text.match(MOUNTED) ?? [];
}

/** The content that a file of this name needs to be of use. */
function contentOf(name: string, dir: string): string {
  if (name.endsWith('.yaml')) {
    return 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: Metadata }]\n';
  }
  if (name === 'ca.crt') return readFileSync(certificate('ca.pem'), 'utf8');
  if (name === 'user.crt') return readFileSync(certificate('client.pem'), 'utf8');
  if (name === 'user.key') return readFileSync(certificate('client.key'), 'utf8');
  if (name === 'private-key.pem') {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    return privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  }
  if (name === 'ssh-key' || name === 'signing-key') {
    const file = join(dir, `made-${name}`);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
    return readFileSync(file, 'utf8');
  }
  return 'not-empty\n';
}

/**
 * Lets the service itself check a configuration, in a folder that has the files that it names. What it cannot have here
 * is the token of a pod: its own cluster is reached by a kubeconfig instead.
 */
export async function checkedByService(file: ConfigFile, dir: string): Promise<Said> {
  mkdirSync(dir, { recursive: true });
  for (const path of pathsIn(file.text)) {
    const place = join(dir, path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, contentOf(path.slice(path.lastIndexOf('/') + 1), dir), { mode: 0o600 });
  }
  const config = join(dir, `${file.component}.yaml`);
  writeFileSync(
    config,
    file.text.replaceAll(MOUNTED, (path) => join(dir, path)),
  );
  const kubeconfigFile = join(dir, 'kubeconfig');
  writeFileSync(
    kubeconfigFile,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
      users: [{ name: 'u', user: { token: 't' } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
  );
  const program = projectFile(`services/${file.component}/bin/${file.component}.js`);
  const clusters = JSON.stringify({ here: { kubeconfigFile } });
  return ran(process.execPath, [program, 'config', 'check', '--config', config], {
    LEASTWISE_AUDITOR_CLUSTERS: file.component === 'auditor' ? clusters : undefined,
    LEASTWISE_PUBLISHER_POLICY_REPORTS_CLUSTERS: file.component === 'publisher' ? clusters : undefined,
  });
}
