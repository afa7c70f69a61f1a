import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { type Child, freePort, startChild, untilReady } from '@leastwise/testkit';

const run = promisify(execFile);

/** Whether a program is installed. */
export async function isInstalled(program: string): Promise<boolean> {
  return run(program, ['--version']).then(
    () => true,
    () => false,
  );
}

/** One series of an answer. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
}

/** What Prometheus knows of one of its rules. */
export interface LoadedRule {
  readonly name: string;
  readonly health: string;
}

interface Answer<T> {
  readonly status: string;
  readonly error?: string;
  readonly data: T;
}

/** A real Prometheus on loopback, which scrapes every second. */
export class PrometheusServer implements AsyncDisposable {
  readonly #child: Child;
  readonly #url: string;

  private constructor(child: Child, url: string) {
    this.#child = child;
    this.#url = url;
  }

  /**
   * Starts one that knows these targets by their jobs, and evaluates the rules of files.
   * @param dir - where it keeps its data
   */
  static async start(
    dir: string,
    targets: Readonly<Record<string, string>>,
    ruleFiles: readonly string[],
  ): Promise<PrometheusServer> {
    await mkdir(dir, { recursive: true });
    const config = {
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: ruleFiles,
      scrape_configs: Object.entries(targets).map(([job, address]) => ({
        job_name: job,
        static_configs: [{ targets: [address] }],
      })),
    };
    // JSON is YAML.
    const file = join(dir, 'prometheus.yaml');
    await writeFile(file, JSON.stringify(config));
    const port = await freePort();
    const url = `http://127.0.0.1:${String(port)}`;
    const child = startChild(
      'prometheus',
      [
        ...[`--config.file=${file}`, `--storage.tsdb.path=${join(dir, 'data')}`],
        ...[`--web.listen-address=127.0.0.1:${String(port)}`, '--log.level=warn'],
      ],
      join(dir, 'prometheus.log'),
    );
    const isReady = async (): Promise<boolean> => (await fetch(`${url}/-/ready`)).ok;
    await untilReady('Prometheus', child, isReady);
    return new PrometheusServer(child, url);
  }

  /** What a query gives right now. @throws Error with what is wrong with it */
  async query(query: string): Promise<readonly Sample[]> {
    const { result } = await this.#get<{ result: readonly Sample[] }>('query', { query });
    return result;
  }

  /** Waits until a query gives anything. */
  async untilAnswered(query: string): Promise<void> {
    await untilReady(query, this.#child, async () => (await this.query(query)).length > 0);
  }

  /** The values that a label has in the series of a selector. */
  async labelValues(label: string, selector: string): Promise<readonly string[]> {
    return this.#get<readonly string[]>(`label/${label}/values`, { 'match[]': selector });
  }

  /** All rules, as they went when they were evaluated last. */
  async rules(): Promise<readonly LoadedRule[]> {
    const { groups } = await this.#get<{ groups: readonly { rules: readonly LoadedRule[] }[] }>('rules', {});
    return groups.flatMap(({ rules }) => rules);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stop();
  }

  async #get<T>(path: string, parameters: Readonly<Record<string, string>>): Promise<T> {
    const response = await fetch(`${this.#url}/api/v1/${path}?${String(new URLSearchParams(parameters))}`);
    const answer = (await response.json()) as Answer<T>;
    if (answer.status !== 'success')
      throw new Error(`${answer.error ?? 'failed'}: ${JSON.stringify(parameters)}`);
    return answer.data;
  }
}
