import { existsSync, readdirSync, readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { read, words } from './testing/collect.ts';

const shared = new URL('../../../../../shared/data/', import.meta.url);

describe.skipIf(!existsSync(shared))('recorded and public data', () => {
  /** Reviewed by hand: the number of events, and what else there is. */
  const expected: readonly (readonly [
    path: string,
    events: number,
    others?: Readonly<Record<string, number>>,
  ])[] = [
    ['fluent-bit/http-webhook.ndjson', 6],
    ['fluent-bit/tail-parsed.ndjson', 41],
    ['fluent-bit/tail-unparsed.ndjson', 41],
    [
      'public/ConfigButler+gitops-reverser/internal/webhook/testdata/audit-events/audit-deletecollection-official-raw-hollow.json',
      1,
    ],
    // Its times were taken out.
    [
      'public/ConfigButler+gitops-reverser/internal/webhook/testdata/audit-events/deployment-scale-subresource.json',
      0,
      { '!no-timestamp': 1 },
    ],
    [
      'public/ConfigButler+gitops-reverser/internal/webhook/testdata/audit-events/flux-secret-dryrun-patch-eventlist.yaml',
      1,
    ],
    [
      'public/ConfigButler+gitops-reverser/internal/webhook/testdata/audit-events/k3s-addon-unchanged-rv-update-eventlist.yaml',
      1,
    ],
    [
      'public/CrowdStrike+logscale-community-content/fluentbit-parser-tests.jsonl',
      1,
      { 'not-an-audit-event': 8, 'other-log-stream': 3 },
    ],
    [
      'public/GoogleCloudPlatform+khi/test/logs/gke_audit/cluster_creation_finished.yaml',
      0,
      { 'gke-other-service': 1 },
    ],
    [
      'public/GoogleCloudPlatform+khi/test/logs/gke_audit/cluster_creation_started.yaml',
      0,
      { 'gke-other-service': 1 },
    ],
    [
      'public/GoogleCloudPlatform+khi/test/logs/gke_audit/cluster_creation_started_with_error.yaml',
      0,
      { 'gke-other-service': 1 },
    ],
    [
      'public/GoogleCloudPlatform+khi/test/logs/gke_audit/cluster_deletion_finished.yaml',
      0,
      { 'gke-other-service': 1 },
    ],
    [
      'public/GoogleCloudPlatform+khi/test/logs/gke_audit/cluster_deletion_started.yaml',
      0,
      { 'gke-other-service': 1 },
    ],
    ['public/GoogleCloudPlatform+khi/test/logs/k8s_audit/container_recorder_test_1_1.yaml', 1],
    [
      'public/GoogleCloudPlatform+khi/test/logs/k8s_audit/container_recorder_test_1_1_manifest.yaml',
      0,
      { 'not-an-audit-event': 1 },
    ],
    ['public/RichardoC+kube-audit-rest/kube-audit-rest-sorted.log', 0, { 'admission-review': 59 }],
    ['public/_envelopes_mit/aks-eventhub-records.json', 1, { 'other-log-stream': 1 }],
    ['public/_envelopes_mit/cri.log', 1],
    ['public/_envelopes_mit/docker-json-file.jsonl', 1],
    ['public/_envelopes_mit/eks-aws-logs-tail.txt', 1],
    ['public/_envelopes_mit/eks-filter-log-events.json', 1, { 'other-log-stream': 1 }],
    ['public/_envelopes_mit/eks-firehose-concatenated.json', 2],
    ['public/_envelopes_mit/eks-subscription.json', 1],
    ['public/_envelopes_mit/elastic-agent-dedotted.json', 1],
    ['public/_envelopes_mit/eventlist-items-without-kind.json', 1],
    ['public/_envelopes_mit/filebeat-json-key.json', 1],
    ['public/_envelopes_mit/fluentbit-log-string.jsonl', 2],
    ['public/_envelopes_mit/fluentbit-merged-top-level.jsonl', 1],
    ['public/_envelopes_mit/graylog-twice.jsonl', 1],
    ['public/_envelopes_mit/syslog.log', 1],
    ['public/_envelopes_mit/viaq-level-overwritten.jsonl', 1],
    ['public/_split_parts/hkerma-share-first6600.jsonl', 6600],
    // Excerpts made for unit tests of detections: most lack version, stage or time.
    [
      'public/_split_parts/panther-eks-share.jsonl',
      7,
      { 'not-an-audit-event': 47, '!invalid-field': 14, '!no-timestamp': 5 },
    ],
    ['public/_split_parts/panther-gke-share.jsonl', 7, { '!no-timestamp': 13, 'gke-other-service': 3 }],
    ['public/afcollins+kube-audit-log-tool/single-event.json', 1],
    ['public/alcideio+rbac-tool/testdata/auditgen/testdata-01.json', 3],
    ['public/crowdsecurity+hub/.tests/k8s-audit-pod-exec-file/k8s-audit-pod-exec-file.log', 1],
    ...[
      'anonymous_creates_namespace_foo',
      'attach_pod',
      'create_cluster_role_wildcard_verbs',
      'create_clusterrole',
      'create_configmap_no_sensitive_values',
      'create_deployment',
      'create_nginx_pod_no_secctx_1st_container_privileged_2nd_container',
      'create_nginx_pod_privileged',
      'create_nginx_pod_sensitive_mount_2nd_container',
      'create_nginx_pod_unsensitive_mount',
      'create_pod_kube_public_namespace',
      'create_serviceaccount',
      'create_serviceaccount_kube_system_namespace',
      'delete_clusterrolebinding',
      'delete_deployment',
      'delete_service',
      'exec_pod',
      'modify_cluster_role_node_problem_detector',
    ].map(
      (name) => [`public/falcosecurity+falco/test/trace_files/k8s_audit/${name}.json`, 1] as [string, number],
    ),
    ['public/falcosecurity+falco/test/trace_files/k8s_audit/create_secret.json', 1, { blank: 1 }],
    ...[
      'audit_event',
      'audit_event_bad_verb',
      'audit_event_dummy_request',
      'audit_event_part_count_too_high',
      'bad_audit_event',
    ].map(
      (name) =>
        [`public/kubernetes-sigs+apisnoop/apps/snoopdb/postgres/testdata/${name}.json`, 1] as [
          string,
          number,
        ],
    ),
    ['public/liggitt+audit2rbac/testdata/demo.log', 37],
    ['public/liggitt+audit2rbac/testdata/history/demo-883f4e8.log', 37],
    ['public/openshift+cluster-logging-operator/hack/logsamples/otlp_audit_kube.json', 3],
    ['public/openshift+cluster-logging-operator/hack/logsamples/otlp_audit_openshift.json', 3],
    ['public/openshift+cluster-logging-operator/hack/logsamples/raw_audit_kubernetes.json', 1],
    ['public/openshift+cluster-logging-operator/hack/logsamples/raw_audit_oauth-apiserver.json', 1],
    ['public/openshift+cluster-logging-operator/hack/logsamples/raw_audit_openshift.json', 1],
    [
      'public/openshift+cluster-logging-operator/hack/logsamples/raw_auditd.log',
      0,
      { 'other-log-stream': 1 },
    ],
    [
      'public/openshift+cluster-logging-operator/hack/logsamples/raw_container.log',
      0,
      { 'other-log-stream': 1 },
    ],
    [
      'public/openshift+cluster-logging-operator/hack/logsamples/viaq_audit_host.json',
      0,
      { 'other-log-stream': 1 },
    ],
    ['public/openshift+cluster-logging-operator/hack/logsamples/viaq_audit_kubernetes.json', 1, { blank: 1 }],
    ['public/openshift+cluster-logging-operator/hack/logsamples/viaq_audit_openshift.json', 1],
    [
      'public/openshift+cluster-logging-operator/hack/logsamples/viaq_audit_ovn.json',
      0,
      { 'other-log-stream': 1 },
    ],
    [
      'public/openshift+cluster-logging-operator/hack/logsamples/viaq_container.json',
      0,
      { 'other-log-stream': 1 },
    ],
    ['public/openshift+cluster-logging-operator/test/functional/filters/apiaudit/testdata/audit-want.log', 4],
    ['public/openshift+cluster-logging-operator/test/functional/filters/apiaudit/testdata/audit.log', 5],
    ['public/sysdiglabs+aks-audit-log/samples/event.json', 22],
    ['public/sysdiglabs+aks-audit-log/samples/sample_EventHubs_event.json', 1],
  ];

  test('the table names every file', () => {
    const files = readdirSync(shared, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => `${entry.parentPath}/${entry.name}`.slice(shared.pathname.length))
      .filter((path) => !/_rbac\/|_policies\/|_attribution\/|LICENSE|_COMMIT$|README\.md$|\.gz$/.test(path));
    expect(expected.map(([path]) => path).sort()).toEqual(files.sort());
  });

  for (const [path, count, others = {}] of expected) {
    test(path, () => {
      const all = words(read(readFileSync(new URL(path, shared))));
      const isOther = (word: string): boolean =>
        word.startsWith('!') || /^(?:not-an|core-|admission-|gke-|other-|blank)/.test(word);
      const found: Record<string, number> = {};
      for (const word of all.filter(isOther)) found[word] = (found[word] ?? 0) + 1;
      expect(all.length - all.filter(isOther).length).toBe(count);
      expect(found).toEqual(others);
    });
  }
});
