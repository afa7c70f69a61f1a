import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

import { describe, expect, test } from 'vitest';

import { events, read, readPlain, words } from './testing/collect.ts';
import { sample, sampleLine } from './testing/sample.ts';

const envelopes = new URL('../../testdata/envelopes/', import.meta.url);
const one = sampleLine({ auditID: 'one' });
const two = sampleLine({ auditID: 'two' });

describe('the envelopes of shippers and clouds', () => {
  const files = readdirSync(envelopes).filter((file) => !/^(?:README\.md|LICENSE)$/.test(file));

  test.each(files)('%s holds one event, or two copies of it', (file) => {
    const copies = /firehose|fluentbit-log-string/.test(file) ? 2 : 1;
    const found = events(read(readFileSync(new URL(file, envelopes))));
    expect(found).toEqual(
      Array<unknown>(copies).fill({
        auditID: '57a794de-44d3-40ee-a0ad-c0eb096eef6c',
        stage: 'ResponseComplete',
        requestURI:
          '/api/v1/namespaces/foo/pods/test-pod-1/exec?command=%2Fbin%2Fbash&container=centos&stdin=true&stdout=true&tty=true',
        verb: 'create',
        user: {
          username: 'minikube-user',
          uid: '',
          groups: ['system:masters', 'system:authenticated'],
          extra: [],
        },
        impersonatedUser: undefined,
        userAgent: 'kubectl/v1.26.0 (linux/amd64) kubernetes/b46a3f8',
        objectRef: {
          apiGroup: '',
          resource: 'pods',
          subresource: 'exec',
          namespace: 'foo',
          name: 'test-pod-1',
        },
        code: 101,
        statusMessage: '',
        receivedAtUs: Date.UTC(2023, 4, 17, 15, 8, 22, 763) * 1000 + 960,
        decision: 'allow',
        reason: '',
        impersonationConstraint: '',
      }),
    );
  });

  test('there are fifteen', () => {
    expect(files).toHaveLength(15);
  });
});

describe('wrappings', () => {
  const stringify = JSON.stringify;
  const event = sample({ auditID: 'one' });
  const packed = (value: unknown): string =>
    stringify({ awslogs: { data: gzipSync(stringify(value)).toString('base64') } });
  const subscription = {
    messageType: 'DATA_MESSAGE',
    logStream: 'kube-apiserver-audit-1',
    logEvents: [{ message: one }],
  };

  test.each([
    ['log, with a newline at its end', stringify({ log: `${one}\n`, stream: 'stdout' }), ['one']],
    ['message', stringify({ message: one }), ['one']],
    [
      'log with a CRI prefix inside',
      stringify({ log: `2023-05-17T08:00:00.000000000Z stdout F ${one}` }),
      ['one'],
    ],
    ['log inside of log', stringify({ log: stringify({ log: one }) }), ['one']],
    ['log with several documents', stringify({ log: `${one}\n${two}${one}\n` }), ['one', 'two', 'one']],
    ['log with a pretty-printed document', stringify({ log: stringify(event, undefined, 2) }), ['one']],
    ['log with an array', stringify({ log: `[${one},${two}]` }), ['one', 'two']],
    ['log as an object', stringify({ log: event }), ['one']],
    ['log text beside the parsed event: one event', stringify({ log: two, log_processed: event }), ['one']],
    ['event and message, as Graylog: one event', stringify({ ...event, message: two }), ['one']],
    ['event and log, as Fluent Bit with Keep_Log: one event', stringify({ ...event, log: two }), ['one']],
    ['log that is a file path and message that is the event', stringify({ log: 'x', message: one }), ['one']],
    ['log of another container', stringify({ log: 'started {}\n', stream: 'stderr' }), ['other-log-stream']],
    ['log of a container that logs JSON', stringify({ log: '{"level":"info"}' }), ['not-an-audit-event']],
    ['log that was cut off by a shipper', stringify({ log: one.slice(0, 400) }), ['!invalid-json']],
    ['log that is empty', stringify({ log: '' }), ['blank']],
    [
      'log with a malformed but balanced body: used like a line',
      stringify({ log: one.replace('"requestObject":{', '"requestObject":{01,') }),
      ['one'],
    ],
    [
      'an EventList',
      stringify({
        kind: 'EventList',
        apiVersion: 'audit.k8s.io/v1beta1',
        items: [sample({ kind: undefined, apiVersion: undefined }), {}],
      }),
      ['a1', '!invalid-field'],
    ],
    [
      'an EventList of an unknown version',
      stringify({ kind: 'EventList', apiVersion: 'audit.k8s.io/v3', items: [{}] }),
      ['!unknown-version'],
    ],
    [
      'an empty EventList',
      stringify({ kind: 'EventList', apiVersion: 'audit.k8s.io/v1', items: [] }),
      ['blank'],
    ],
    [
      'an EventList of core Events',
      stringify({ kind: 'EventList', apiVersion: 'v1', items: [{}] }),
      ['core-event'],
    ],
    [
      'a v1 List',
      stringify({ kind: 'List', apiVersion: 'v1', items: [event, { kind: 'Pod' }] }),
      ['one', 'not-an-audit-event'],
    ],
    [
      'items that are no array',
      stringify({ kind: 'EventList', apiVersion: 'audit.k8s.io/v1', items: {} }),
      ['!invalid-field'],
    ],
    [
      'AKS records',
      stringify({
        records: [
          { category: 'kube-audit', properties: { log: `${one}\n` } },
          { category: 'kube-audit-admin', properties: { log: event } },
          { category: 'kube-scheduler', properties: { log: one } },
        ],
      }),
      ['one', 'one', 'other-log-stream'],
    ],
    ['one AKS record', stringify({ category: 'kube-audit', properties: { log: one } }), ['one']],
    [
      'an AKS record with its properties as JSON',
      stringify({ category: 'kube-audit', properties: stringify({ log: one }) }),
      ['one'],
    ],
    [
      'another AKS category',
      stringify({ category: 'guard', properties: stringify({ log: one }) }),
      ['other-log-stream'],
    ],
    ['a CloudWatch subscription', stringify(subscription), ['one']],
    [
      'a CloudWatch subscription to another stream: its text quotes its clients',
      stringify({ ...subscription, logStream: 'kube-apiserver-1' }),
      ['other-log-stream'],
    ],
    [
      'a CloudWatch control message',
      stringify({ messageType: 'CONTROL_MESSAGE', logEvents: [] }),
      ['other-log-stream'],
    ],
    ['a packed subscription', packed(subscription), ['one']],
    ['a packed subscription in another one', packed({ log: packed(subscription) }), ['not-an-audit-event']],
    [
      'a packed subscription that is cut off',
      stringify({ awslogs: { data: gzipSync(one).subarray(0, 40).toString('base64') } }),
      ['!invalid-compression'],
    ],
    [
      'filter-log-events',
      stringify({
        events: [
          { logStreamName: 'kube-apiserver-audit-1', message: one },
          { logStreamName: 'authenticator-1', message: 'x' },
        ],
      }),
      ['one', 'other-log-stream'],
    ],
    ['Filebeat', stringify({ '@timestamp': 'x', log: { file: {} }, json: event }), ['one']],
    ['Elastic Agent', stringify({ kubernetes: { audit: event } }), ['one']],
    ['a search hit', stringify({ _source: { message: one } }), ['one']],
    [
      'OTLP',
      stringify({
        resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: one } }, { body: {} }] }] }],
      }),
      ['one', 'not-an-audit-event'],
    ],
    [
      'an event without a version, as old API servers batched them',
      sampleLine({ apiVersion: undefined }),
      ['a1'],
    ],
    ['an item without kind and version', sampleLine({ kind: undefined, apiVersion: undefined }), ['a1']],
    [
      'a core/v1 Event',
      stringify({ kind: 'Event', apiVersion: 'v1', metadata: {}, involvedObject: {} }),
      ['core-event'],
    ],
    ['an events.k8s.io Event', stringify({ kind: 'Event', apiVersion: 'events.k8s.io/v1' }), ['core-event']],
    [
      'an admission review',
      stringify({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request: event }),
      ['admission-review'],
    ],
    ['another object', stringify({ kind: 'Pod', spec: event }), ['not-an-audit-event']],
    ['a string', stringify('hello'), ['other-log-stream']],
    ['a number', '5', ['not-an-audit-event']],
  ])('%s', (_, input, expected) => {
    expect(words(read(input))).toEqual(expected);
    expect(words(read(`${input}\n${two}`)).at(-1)).toBe('two');
  });

  test('wrappings inside of wrappings are followed to a bounded depth', () => {
    let text = one;
    for (let depth = 0; depth < 12; depth++) text = stringify({ log: text });
    expect(words(read(text))).toEqual(['not-an-audit-event']);
    expect(words(readPlain(text))).toEqual(['not-an-audit-event']);
  });

  test('the dead letters of a list are its elements, so that they stay as small as the input', () => {
    const told = read(
      stringify({
        records: [
          { category: 'kube-audit', properties: { log: '{"a"' } },
          { category: 'kube-audit', properties: { log: '{' } },
        ],
      }),
    );
    expect(told).toMatchObject([
      { bad: 'invalid-json', bytes: '{"category":"kube-audit","properties":{"log":"{\\"a\\""}}' },
      { bad: 'invalid-json' },
    ]);
  });
});

describe('versions', () => {
  test.each(['audit.k8s.io/v1', 'audit.k8s.io/v1beta1', 'audit.k8s.io/v1alpha1'])('%s', (apiVersion) => {
    expect(words(read(sampleLine({ apiVersion })))).toEqual(['a1']);
  });

  test('v1alpha1 has the group inside of apiVersion', () => {
    const line = sampleLine({
      apiVersion: 'audit.k8s.io/v1alpha1',
      objectRef: { resource: 'deployments', apiVersion: 'apps/v1beta1' },
    });
    expect(events(read(line))).toMatchObject([{ objectRef: { apiGroup: 'apps', resource: 'deployments' } }]);
  });

  test.each([
    [{ timestamp: '2017-09-11T19:55:05Z', metadata: { creationTimestamp: '2017-09-11T19:55:06Z' } }, 5],
    [
      {
        timestamp: 1504,
        metadata: { creationTimestamp: '2017-09-11T19:55:06Z' },
        stageTimestamp: '2017-09-11T19:55:07Z',
      },
      6,
    ],
    [{ metadata: null, stageTimestamp: '2017-09-11T19:55:07Z' }, 7],
  ])('the time of receipt may stand elsewhere: %j', (fields, second) => {
    const line = sampleLine({ stageTimestamp: undefined, ...fields, requestReceivedTimestamp: null });
    expect(events(read(line))).toMatchObject([
      { receivedAtUs: Date.UTC(2017, 8, 11, 19, 55, second) * 1000 },
    ]);
  });
});

describe('text', () => {
  const cri = '2023-05-17T08:00:00.000000000Z stdout';

  test.each([
    ['CRI', `${cri} F ${one}`, ['one']],
    [
      'CRI in parts',
      `${cri} P ${one.slice(0, 100)}\n${cri} P ${one.slice(100, 300)}\n${cri} F ${one.slice(300)}\n`,
      ['one'],
    ],
    [
      'CRI in parts, among those of the other stream',
      `${cri} P ${one.slice(0, 100)}\n${cri.replace('stdout', 'stderr')} F I am klog\n${cri} F ${one.slice(100)}\n`,
      ['other-log-stream', 'one'],
    ],
    ['CRI whose last part is missing', `${cri} P ${one.slice(0, 100)}\n`, ['!truncated']],
    ['CRI, cut off', `${cri} F ${one.slice(0, 300)}`, ['!truncated']],
    ['CRI with another program’s text', `${cri} F linux/amd64, go1.20.12`, ['other-log-stream']],
    [
      'CRI with klog',
      `${cri.replace('stdout', 'stderr')} F I0520 05:26:57.511000       1 server.go:155] hello`,
      ['other-log-stream'],
    ],
    [
      'klog',
      `I0520 05:26:57.511000       1 trace.go:219] Trace "{\\"kind\\":\\"Event\\"}" ${one}`,
      ['other-log-stream'],
    ],
    ['aws logs tail', `2023-05-20T05:26:57.511000+00:00 kube-apiserver-audit-9001 ${one}`, ['one']],
    ['aws logs tail in the short format', `2023-05-20T05:26:57 ${one}`, ['one']],
    [
      'aws logs tail of another stream',
      `2023-05-20T05:26:57.511000+00:00 kube-apiserver-9001 ${one}`,
      ['other-log-stream'],
    ],
    [
      'aws logs tail of klog',
      '2023-05-20T05:26:57.511000+00:00 kube-apiserver-9001 I0520 hello',
      ['other-log-stream'],
    ],
    ['syslog, RFC 3164', `<133>Oct 21 10:37:55 test.example.com k8s-audit: ${one}`, ['one']],
    ['syslog without priority', `Oct  1 10:37:55 host kube[12]: ${one}`, ['one']],
    ['syslog, RFC 5424', `<133>1 2023-10-21T10:37:55Z host app 12 ID47 - ${one}`, ['one']],
    [
      'syslog, RFC 5424 with data',
      `<133>1 2023-10-21T10:37:55Z host app 12 ID47 [x@1 a="b"] ${one}`,
      ['one'],
    ],
    ['auditd', 'type=PROCTITLE msg=audit(1719931655.027:2401): proctitle=2F', ['other-log-stream']],
    ['a record somewhere in unknown text is not looked for', `user agent was ${one}`, ['!invalid-json']],
    ['unknown text', 'hello world', ['!invalid-json']],
  ])('%s', (_, input, expected) => {
    expect(words(read(input))).toEqual(expected);
  });

  test('a line in parts that is too large is bad once, and reading goes on', () => {
    const parts = `${cri} P ${'x'.repeat(1000)}\n`.repeat(50);
    expect(words(read(`${parts}${cri} F x\n${cri} F ${one}\n`, { maxRecordBytes: 10_000 }))).toEqual([
      '!too-large',
      'one',
    ]);
  });

  test('prefixes are recognised in time linear in their length', () => {
    for (const text of [
      '<1>1 '.repeat(50_000),
      `2023-05-17T${'0:'.repeat(100_000)}`,
      'Oct 21 10:37:55 '.repeat(20_000),
      '[ '.repeat(100_000),
    ]) {
      expect(words(read(text))[0]).toMatch(/^!/);
    }
  });
});

describe('YAML', () => {
  const event = (auditID: string): string =>
    [
      'kind: Event',
      'apiVersion: audit.k8s.io/v1',
      `auditID: ${auditID}`,
      'stage: ResponseComplete',
      'requestURI: /api/v1/pods',
      'verb: list',
      'user:',
      '  username: jane',
      '  groups: [a, b]',
      'responseStatus: {code: 200}',
      'requestReceivedTimestamp: "2023-05-17T15:08:22.763960Z"',
      '',
    ].join('\n');
  const list = `kind: EventList\napiVersion: audit.k8s.io/v1\nitems:\n- ${event('one').trimEnd().replaceAll('\n', '\n  ')}\n- {}\n`;

  test.each([
    ['one document', event('one'), ['one']],
    ['CRLF and a byte order mark', `\ufeff${event('one').replaceAll('\n', '\r\n')}`, ['one']],
    ['documents', `---\n${event('one')}---\n${event('two')}`, ['one', 'two']],
    [
      'comments, directives and empty documents',
      `# licence\n%YAML 1.2\n---\n# more\n---\n---\n${event('one')}...\n---\n`,
      ['one'],
    ],
    ['an EventList', list, ['one', '!invalid-field']],
    ['a list', `- ${event('one').trimEnd().replaceAll('\n', '\n  ')}\n`, ['one']],
    [
      'a corrupt document among others',
      `${event('one')}---\na: [b\nc: }\n---\n${event('two')}`,
      ['one', '!invalid-yaml', 'two'],
    ],
    ['a document cut off inside of a quote', `${event('one')}---\na: "b\n`, ['one', '!invalid-yaml']],
    ['JSON behind a marker', `---\n${one}\n---\n${two}`, ['one', 'two']],
    ['JSON behind a document', `${event('one')}${two}\n`, ['one', 'two']],
    ['documents behind JSON', `${two}\n---\n${event('one')}`, ['two', 'one']],
    ['a scalar', '--- hello\n', ['!invalid-yaml']],
    ['another object', 'kind: Pod\nspec: {}\n', ['not-an-audit-event']],
    ['a core Event', 'apiVersion: v1\nkind: Event\n', ['core-event']],
    [
      'aliases that multiply',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefghi']
        .map(
          (name, i) =>
            `${name}: &${name} [${Array<string>(9)
              .fill(`*${'abcdefgh'[i] ?? ''}`)
              .join(',')}]`,
        )
        .join('\n')}\n---\n${event('one')}`,
      ['!invalid-yaml', 'one'],
    ],
    [
      'nesting deeper than the parser can follow',
      `a: ${'['.repeat(100_000)}\n---\n${event('one')}`,
      ['!invalid-yaml', 'one'],
    ],
    [
      'a document that is too large',
      `a:\n${'  - 0123456789\n'.repeat(700_000)}---\n${event('one')}`,
      ['!too-large', 'one'],
    ],
  ])('%s', (_, input, expected) => {
    expect(words(read(input))).toEqual(expected);
  });

  test('events are numbered by the first line of their document', () => {
    expect(read(`# licence\n\n${event('one')}---\n\n${event('two')}`).map((each) => each.line)).toEqual([
      3, 16,
    ]);
  });
});
