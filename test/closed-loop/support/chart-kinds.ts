/** A kind of objects that other projects define. */
interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
}

const KINDS: readonly Kind[] = [
  { group: 'monitoring.coreos.com', version: 'v1', kind: 'PodMonitor', plural: 'podmonitors' },
  { group: 'monitoring.coreos.com', version: 'v1', kind: 'PrometheusRule', plural: 'prometheusrules' },
  { group: 'keda.sh', version: 'v1alpha1', kind: 'ScaledObject', plural: 'scaledobjects' },
  { group: 'kafka.strimzi.io', version: 'v1', kind: 'KafkaTopic', plural: 'kafkatopics' },
  { group: 'kafka.strimzi.io', version: 'v1', kind: 'KafkaUser', plural: 'kafkausers' },
];

function definition({ group, version, kind, plural }: Kind): object {
  const schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase() },
      versions: [{ name: version, served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  };
}

/**
 * Definitions of the kinds that the Prometheus operator, KEDA and Strimzi bring, of ours: they take any content. So a
 * test that uses them shows that names, namespaces and metadata are taken, and not that those projects would take the
 * rest.
 */
export const FOREIGN_KINDS: string = KINDS.map((kind) => JSON.stringify(definition(kind))).join('\n---\n');
