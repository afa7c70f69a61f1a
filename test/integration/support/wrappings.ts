import { gzipSync } from 'node:zlib';

/** A way in which shippers deliver the lines of an audit log. */
export type Wrapping = (lines: readonly string[]) => string;

const TIME = '2026-03-02T10:00:00.000000Z';

function each(wrap: (line: string, event: Record<string, unknown>) => unknown): Wrapping {
  return (lines) => lines.map((line) => `${toText(wrap(line, parsed(line)))}\n`).join('');
}

function whole(wrap: (lines: readonly string[], events: Record<string, unknown>[]) => unknown): Wrapping {
  return (lines) => toText(wrap(lines, lines.map(parsed)));
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function parsed(line: string): Record<string, unknown> {
  return JSON.parse(line) as Record<string, unknown>;
}

function withoutType(event: Record<string, unknown>): Record<string, unknown> {
  return { ...event, kind: undefined, apiVersion: undefined };
}

function withTheTimeOf(version: string): Wrapping {
  return each((_, event) => ({
    ...event,
    apiVersion: `audit.k8s.io/${version}`,
    metadata: { creationTimestamp: event['requestReceivedTimestamp'] },
    timestamp: event['requestReceivedTimestamp'],
    requestReceivedTimestamp: undefined,
  }));
}

function dedotted(event: Record<string, unknown>): unknown {
  const annotations = Object.entries(event['annotations'] as object).map(([key, value]) => [
    key.replaceAll('.', '_'),
    value as string,
  ]);
  return { ...event, annotations: Object.fromEntries(annotations) as unknown };
}

function logEvents(lines: readonly string[]): unknown {
  return {
    messageType: 'DATA_MESSAGE',
    logGroup: '/aws/eks/prod/cluster',
    logStream: 'kube-apiserver-audit-9001',
    logEvents: lines.map((message, id) => ({ id: `${id}`, timestamp: 1_764_730_101_932, message })),
  };
}

const AKS = {
  category: 'kube-audit',
  operationName: 'Microsoft.ContainerService/managedClusters/diagnosticLogs/Read',
};

/** Every wrapping of the reference, around the same events. */
export const WRAPPINGS: Readonly<Record<string, Wrapping>> = {
  'bare lines': each((line) => line),
  'pretty-printed over many lines': (lines) =>
    lines.map((line) => `${JSON.stringify(parsed(line), null, 4)}\n`).join(''),
  'audit.k8s.io/v1beta1': withTheTimeOf('v1beta1'),
  'audit.k8s.io/v1alpha1': withTheTimeOf('v1alpha1'),
  EventList: whole((_, events) => ({
    kind: 'EventList',
    apiVersion: 'audit.k8s.io/v1',
    metadata: {},
    items: events.map(withoutType),
  })),
  'v1 List': whole((_, items) => ({ kind: 'List', apiVersion: 'v1', metadata: {}, items })),
  'JSON array': whole((_, events) => events),
  'JSON array over many lines': whole((lines) => `[\n  ${lines.join(',\n  ')}\n]\n`),
  CRLF: (lines) => lines.map((line) => `${line}\r\n`).join(''),
  'BOM and blank lines': (lines) => `\uFEFF\n\n${lines.join('\n\n \n')}\n\n`,
  'concatenated without newlines': (lines) => lines.join(''),
  'no newline at the end': (lines) => lines.join('\n'),
  'Fluent Bit, log, with @timestamp': each((log) => ({
    '@timestamp': 1_764_730_101.932,
    cluster_name: 'a',
    log,
  })),
  'Fluent Bit, message': each((message) => ({ date: 1.5, message, kubernetes: { pod_name: 'x' } })),
  'Fluent Bit, merged at top level': each((_, event) => ({
    ...event,
    hostname: '10-0-0-1',
    'flb.source': 'audit',
  })),
  'Docker json-file': each((line) => ({ log: `${line}\n`, stream: 'stdout', time: TIME })),
  CRI: each((line) => `${TIME} stdout F ${line}`),
  'Filebeat, json': each((_, json) => ({ '@timestamp': TIME, log: { file: { path: '/audit.log' } }, json })),
  'Elastic Agent, dots replaced': each((_, event) => ({
    _source: { kubernetes: { audit: dedotted(event) } },
  })),
  'EKS, aws logs tail': each((line) => `2023-05-20T05:26:57.511000+00:00 kube-apiserver-audit-9001 ${line}`),
  'EKS, subscription': whole((lines) => logEvents(lines)),
  'EKS, subscription for Lambda': whole((lines) => ({
    awslogs: { data: gzipSync(JSON.stringify(logEvents(lines))).toString('base64') },
  })),
  'EKS, filter-log-events': whole((lines) => ({
    events: lines.map((message) => ({ logStreamName: 'kube-apiserver-audit-9001', timestamp: 1, message })),
  })),
  'EKS, Firehose': (lines) => lines.map((line) => JSON.stringify(logEvents([line]))).join(''),
  'AKS, event hub': whole((lines) => ({
    records: lines.map((log) => ({ ...AKS, properties: { log: `${log}\n` } })),
  })),
  'AKS, a record a line': each((log) => ({ ...AKS, time: TIME, properties: { log, stream: 'stdout' } })),
  'AKS, log as an object': each((_, log) => ({ ...AKS, properties: { log } })),
  'OpenShift, ViaQ': each((_, event) => ({
    ...event,
    '@timestamp': TIME,
    level: 'default',
    k8s_audit_level: 'Metadata',
    log_type: 'audit',
    log_source: 'kubeAPI',
    openshift: { cluster_id: 'x' },
  })),
  'Graylog, twice in one document': each((message, event) => ({ ...event, gl2_message_id: 'x', message })),
  OTLP: whole((lines) => ({
    resourceLogs: [
      {
        scopeLogs: [
          { logRecords: lines.map((stringValue) => ({ timeUnixNano: '1', body: { stringValue } })) },
        ],
      },
    ],
  })),
  syslog: each((line) => `<133>Oct 21 10:37:55 test.example.com k8s-audit: ${line}`),
  'YAML documents': (lines) =>
    lines
      .map(
        (line) =>
          `---\n${Object.entries(parsed(line))
            .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
            .join('')}`,
      )
      .join(''),
};
