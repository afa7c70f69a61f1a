import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A certificate with its key, both PEM; the key is PKCS 8. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** What a test needs to speak TLS both ways on loopback. */
export interface TestCertificates {
  /** PEM of the authority that signed both. */
  readonly ca: string;
  readonly caFile: string;
  /** For `localhost` and `127.0.0.1`. */
  readonly server: KeyPair;
  /** CN `leastwise`. */
  readonly client: KeyPair;
}

/**
 * Makes an authority of its own with a server's and a client's certificate in `dir`, valid for a day.
 * @throws Error where `openssl` is not on the path
 */
export async function testCertificates(dir: string): Promise<TestCertificates> {
  await mkdir(dir, { recursive: true });
  const caFile = join(dir, 'ca.crt');
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await run('openssl', [
    ...['req', '-x509', ...ec, '-days', '1', '-subj', '/CN=leastwise test authority'],
    ...['-keyout', join(dir, 'ca.key'), '-out', caFile],
  ]);
  const keyPair = async (name: string, commonName: string, extensions: string): Promise<KeyPair> => {
    const path = (extension: string): string => join(dir, `${name}.${extension}`);
    await writeFile(path('ext'), extensions);
    await run('openssl', [
      ...['req', ...ec, '-subj', `/CN=${commonName}`, '-keyout', path('key'), '-out', path('csr')],
    ]);
    await run('openssl', [
      ...[
        'x509',
        '-req',
        '-in',
        path('csr'),
        '-CA',
        caFile,
        '-CAkey',
        join(dir, 'ca.key'),
        '-CAcreateserial',
      ],
      ...['-days', '1', '-extfile', path('ext'), '-out', path('crt')],
    ]);
    const [cert, key] = await Promise.all([readFile(path('crt'), 'utf8'), readFile(path('key'), 'utf8')]);
    return { cert, key, certFile: path('crt'), keyFile: path('key') };
  };
  return {
    ca: await readFile(caFile, 'utf8'),
    caFile,
    server: await keyPair('server', 'localhost', 'subjectAltName=DNS:localhost,IP:127.0.0.1'),
    client: await keyPair('client', 'leastwise', 'extendedKeyUsage=clientAuth'),
  };
}
