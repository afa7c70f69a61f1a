import { isOtherEksStream } from './forms/cloudwatch.ts';

/** What a line of text that does not begin with JSON is, by its first characters. */
export type TextLine =
  /** A record stands behind a prefix of `offset` bytes. */
  | { readonly kind: 'prefixed'; readonly offset: number }
  /** A line of a container's log (CRI); `partial` where the record goes on in the next line of the same stream. */
  | { readonly kind: 'cri'; readonly offset: number; readonly stream: string; readonly partial: boolean }
  /** A line of some other program's log. */
  | { readonly kind: 'other-log-stream' }
  | { readonly kind: 'unknown' };

/** No prefix is longer than this, so nothing further is looked at. */
const MAX_PREFIX = 1024;

const TIME = String.raw`\d{4}-\d\d-\d\dT[\d:.]{8,18}(?:Z|[+-]\d\d:?\d\d)?`;

/** Source: https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md */
const CRI = new RegExp(`^${TIME} (stdout|stderr) ([FP])(?::\\S{0,32})? `);

/** `aws logs tail`: time, stream, message; with `--format short` without the stream. */
const AWS_TAIL = new RegExp(`^${TIME} (?:([^\\s{]\\S{0,511}) )?(?=(.))`);

/** RFC 3164, with or without its priority, or with the time that rsyslog writes instead. */
const SYSLOG = new RegExp(
  `^(?:<\\d{1,3}>)?(?:[A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d|${TIME}) \\S{1,255} [^\\s:{"]{1,64}: ?(?=\\{)`,
);

/** RFC 5424. */
const SYSLOG_5424 =
  /^<\d{1,3}>1 \S{1,64} \S{1,255} \S{1,48} \S{1,128} \S{1,32} (?:-|\[[^{]{0,512}\]) (?:\xef\xbb\xbf)?(?=\{)/;

/** Source: https://github.com/kubernetes/klog, the header of its text format. */
const KLOG = /^[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{1,9} +\d{1,10} [^\s:]{1,200}:\d{1,9}\]/;

/** Linux auditd. */
const AUDITD = /^type=[A-Z_0-9]{1,64} msg=audit\(/;

/**
 * Tells by what a line begins. A record is looked for behind known prefixes only, never somewhere
 * in the text: logs quote their clients, and a client may write what it likes.
 */
export function classifyLine(bytes: Buffer, start: number, end: number): TextLine {
  const head = bytes.toString('latin1', start, Math.min(end, start + MAX_PREFIX));
  const cri = CRI.exec(head);
  if (cri) {
    const [prefix, stream = '', tag] = cri;
    return { kind: 'cri', offset: prefix.length, stream, partial: tag === 'P' };
  }
  const syslog = SYSLOG.exec(head) ?? SYSLOG_5424.exec(head);
  if (syslog) return { kind: 'prefixed', offset: syslog[0].length };
  const tail = AWS_TAIL.exec(head);
  if (tail) {
    const [prefix, stream, next] = tail;
    const isAudit = stream === undefined || stream.startsWith('kube-apiserver-audit');
    if (next === '{' && isAudit) return { kind: 'prefixed', offset: prefix.length };
    if (next === '{' || isOtherEksStream(stream)) return { kind: 'other-log-stream' };
  }
  return KLOG.test(head) || AUDITD.test(head) ? { kind: 'other-log-stream' } : { kind: 'unknown' };
}
