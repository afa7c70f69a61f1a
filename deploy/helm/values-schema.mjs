// The schema of the chart's values: the chart's own keys, written here, and under each `config` the schema of that
// service's configuration file.

const text = { type: 'string' };
const texts = { type: 'object', additionalProperties: text };
const flag = { type: 'boolean' };
const count = (minimum, maximum) => ({
  type: 'integer',
  minimum,
  ...(maximum === undefined ? {} : { maximum }),
});
/** What is the API server's to judge. */
const object = { type: 'object' };
const objects = { type: 'array', items: object };
const quantity = { type: 'string', pattern: '^[1-9][0-9]*(Mi|Gi)$' };
const port = count(1, 65_535);

/** An object of these keys and no others. */
function keys(properties, more = {}) {
  return { type: 'object', properties, additionalProperties: false, ...more };
}

const FOLDER = '^[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?$';
const NAME = { type: 'string', pattern: '^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$' };
/** By the name of a folder, what is mounted there. */
function mounts(what) {
  return { type: 'object', propertyNames: { pattern: FOLDER }, additionalProperties: what };
}

const secrets = mounts(keys({ secretName: NAME, items: objects }, { required: ['secretName'] }));
const configMaps = mounts(keys({ configMapName: NAME }, { required: ['configMapName'] }));
const resources = {
  ...object,
  properties: {
    requests: object,
    limits: { ...object, properties: { memory: quantity }, required: ['memory'] },
  },
  required: ['limits'],
};

const COMPONENT = {
  enabled: flag,
  replicas: count(0, 1000),
  secrets,
  configMaps,
  resources,
  tmpSizeLimit: quantity,
  podDisruptionBudget: keys({
    enabled: flag,
    maxUnavailable: { anyOf: [count(1), { type: 'string', pattern: '^[1-9][0-9]?%$' }] },
  }),
  serviceAccount: keys({ annotations: texts }),
  podAnnotations: texts,
  podLabels: texts,
  priorityClassName: text,
  nodeSelector: texts,
  tolerations: objects,
  affinity: object,
  topologySpreadConstraints: objects,
  extraEnv: objects,
  extraVolumes: objects,
  extraVolumeMounts: objects,
  extraEgress: objects,
};

/** The values of a component; where it is enabled its configuration needs `needed`, as `[section, key]`. */
function component(config, { needed, ...own } = {}) {
  const schema = keys({ ...COMPONENT, config, ...own });
  if (needed === undefined) return schema;
  const [section, key] = needed;
  const isThere = { properties: { [section]: { required: [key] } }, required: [section] };
  return {
    ...schema,
    if: { properties: { enabled: { const: true } }, required: ['enabled'] },
    then: { properties: { config: isThere } },
  };
}

const autoscaling = keys({
  mode: { enum: ['none', 'keda', 'hpa'] },
  minReplicas: count(1),
  maxReplicas: count(1),
  keda: keys({
    lagThreshold: count(1),
    pollingIntervalSeconds: count(1),
    cooldownPeriodSeconds: count(0),
    authenticationRef: text,
  }),
  hpa: keys({ targetCPUUtilizationPercentage: count(1, 100) }),
});

const way = keys({ to: objects, ports: { type: 'array', items: port } });
const networkPolicy = keys({
  enabled: flag,
  dns: keys({ to: objects }),
  metrics: keys({ from: objects }),
  kafka: way,
  redis: way,
  forge: way,
  alertmanager: way,
  kubernetesApi: way,
});

const image = keys({
  repository: { type: 'string', minLength: 1 },
  tag: { type: 'string', pattern: '^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$' },
  digest: { type: 'string', pattern: '^(sha256:[a-f0-9]{64})?$' },
  pullPolicy: { enum: ['Always', 'IfNotPresent', 'Never'] },
});

/** Helm's engine of regular expressions looks neither ahead nor behind. The service itself does. */
const LOOKS_AROUND = /\(\?<?[=!]/;

/**
 * The schema of a service's file as the chart takes it: without its secrets, as a ConfigMap is no place for them
 * (`passwordFile` stays), and without what Helm cannot judge.
 */
function chartConfig(schema) {
  if (Array.isArray(schema)) return schema.map(chartConfig);
  if (typeof schema !== 'object' || schema === null) return schema;
  const entries = Object.entries(schema)
    .filter(([key, value]) => key !== '$schema' && !(key === 'pattern' && LOOKS_AROUND.test(value)))
    .map(([key, value]) => [key, key === 'properties' ? withoutSecrets(value) : chartConfig(value)]);
  return Object.fromEntries(entries);
}

function withoutSecrets(properties) {
  const isSecret = (name) => properties[`${name}File`]?.description === `Path of a file that holds ${name}.`;
  const kept = Object.entries(properties).filter(([name]) => !isSecret(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, chartConfig(value)]));
}

/**
 * The schema of the chart's values, out of those of the services' files by the name of the component. Draft 7, which
 * every Helm 3 and 4 knows.
 */
export function valuesSchema({ aggregator, publisher, auditor }) {
  const config = chartConfig(aggregator);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Values of the chart leastwise',
    ...keys({
      nameOverride: text,
      fullnameOverride: text,
      image,
      imagePullSecrets: objects,
      commonLabels: texts,
      fsGroup: { anyOf: [count(1), { type: 'null' }] },
      crds: keys({ install: flag }),
      redis: config.properties.redis,
      aggregator: component(config, { needed: ['kafka', 'brokers'], autoscaling }),
      publisher: component(chartConfig(publisher), { needed: ['repository', 'url'] }),
      auditor: component(chartConfig(auditor), {
        violationPolicy: object,
        rbac: keys({ create: flag }),
        protectViolations: flag,
      }),
      networkPolicy,
      prometheus: keys({
        podMonitor: keys({ enabled: flag, interval: text, labels: texts }),
        rules: keys({ enabled: flag, labels: texts }),
      }),
      grafana: keys({ dashboards: keys({ enabled: flag, labels: texts, annotations: texts }) }),
      // Where the chart is a part of another one.
      global: object,
    }),
  };
}
