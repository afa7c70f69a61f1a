import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { clientText, parseClient } from './parse-client.ts';

describe('the client that a user agent names', () => {
  test.each([
    ['kubectl/v1.32.4 (linux/amd64) kubernetes/4cb5f07', 'kubectl', 'kubectl v1.32.4 (linux/amd64)'],
    ['kubectl.exe/v1.30.0 (windows/amd64) kubernetes/7c48c2b', 'kubectl', 'kubectl v1.30.0 (windows/amd64)'],
    ['kubectl-dispatcher/v1.0 (linux/amd64)', 'kubectl', 'kubectl-dispatcher v1.0 (linux/amd64)'],
    [
      'kubectl1.29/v1.29.3 (darwin/arm64) kubernetes/6813625',
      'kubectl',
      'kubectl1.29 v1.29.3 (darwin/arm64)',
    ],
    ['kubectl-neat/v2.0.3 (linux/arm64) kubernetes/$Format', 'kubectl', 'kubectl-neat v2.0.3 (linux/arm64)'],
    ['kubectl-ns', 'kubectl', 'kubectl-ns'],
    ['oc/4.14.0 (linux/amd64) kubernetes/286cfa5', 'kubectl', 'oc 4.14.0 (linux/amd64)'],
    ['k9s/v0.32.5 (darwin/arm64) kubernetes/$Format', 'kubectl', 'k9s v0.32.5 (darwin/arm64)'],
    ['Helm/3.14.0', 'helm', 'helm 3.14.0'],
    ['helm/v0.0.0 (linux/amd64) kubernetes/$Format', 'helm', 'helm v0.0.0 (linux/amd64)'],
    ['flux/2.3.0 (linux/amd64) kubernetes/abc', 'gitops', 'flux 2.3.0 (linux/amd64)'],
    ['argocd-application-controller/v2.11.0', 'gitops', 'argocd-application-controller v2.11.0'],
    ['kubelet/v1.34.1 (linux/amd64) kubernetes/93248f9', 'kubelet', 'kubelet v1.34.1 (linux/amd64)'],
    ['manager/v0.0.0 (linux/amd64) kubernetes/$Format', 'controller', 'manager v0.0.0 (linux/amd64)'],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101', 'browser', 'mozilla 5.0'],
    ['curl/8.5.0', 'other', 'curl 8.5.0'],
    ['', 'other', 'unknown'],
    ['/v1 (linux/amd64)', 'controller', 'unknown v1 (linux/amd64)'],
  ])('%s', (userAgent, kind, text) => {
    const client = parseClient(userAgent);
    expect([client.kind, clientText(client)]).toEqual([kind, text]);
  });

  test('plugins are told from kubectl and from its dispatchers', () => {
    const plugins = ['kubectl/v1', 'kubectl-dispatcher/v1.0', 'kubectl-neat/v2', 'oc/4'].map(
      (userAgent) => parseClient(userAgent).isPlugin,
    );
    expect(plugins).toEqual([false, false, true, false]);
  });

  test('a version that is too long to be one is none', () => {
    expect(parseClient(`kubectl/v1.${'0'.repeat(60)}`).version).toBe('');
  });

  test('whatever a client sends, the texts are short and of harmless characters', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 400 }),
        fc.constantFrom('', 'kubectl/'),
        (rest, head) => {
          const text = clientText(parseClient(head + rest));
          expect(text).toMatch(/^[a-zA-Z0-9._+-]+( [a-zA-Z0-9._+-]+)?( \([a-z]+\/[a-z0-9]+\))?$/);
          expect(text.length).toBeLessThan(130);
        },
      ),
    );
  });
});
