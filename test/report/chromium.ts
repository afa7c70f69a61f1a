import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** The Chromium of this machine, `undefined` where there is none. */
export const CHROMIUM = NAMES.find((name) => spawnSync(name, ['--version']).status === 0);

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
  readonly sessionId?: string;
}

type Parameters = Readonly<Record<string, unknown>>;

/** A page in a real Chromium, driven over a pipe by its DevTools protocol; no port is opened. */
export class Page {
  /** What the page complained about: errors, warnings, violations of its policy. */
  readonly complaints: string[] = [];
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #writer: Writable;
  readonly #waiting = new Map<number, (message: Message) => void>();
  readonly #events: ((message: Message) => void)[] = [];
  #rest = '';
  #id = 0;
  #session = '';

  private constructor(program: string) {
    this.#folder = mkdtempSync(join(tmpdir(), 'leastwise-chromium-'));
    const flags = [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--no-first-run',
    ];
    const own = [`--user-data-dir=${this.#folder}`, '--remote-debugging-pipe', 'about:blank'];
    this.#process = spawn(program, [...flags, ...own], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
      env: { ...process.env, HOME: this.#folder },
    });
    this.#writer = this.#process.stdio[3] as Writable;
    (this.#process.stdio[4] as Readable).setEncoding('utf8').on('data', (text: string) => {
      this.#take(text);
    });
  }

  /** Starts a browser with one empty page. */
  static async open(program: string): Promise<Page> {
    const page = new Page(program);
    const { targetId } = await page.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await page.send('Target.attachToTarget', { targetId, flatten: true });
    page.#session = String(sessionId);
    for (const domain of ['Page', 'Runtime', 'Log']) await page.send(`${domain}.enable`);
    return page;
  }

  #take(text: string): void {
    const messages = (this.#rest + text).split('\0');
    this.#rest = messages.pop() ?? '';
    for (const each of messages) {
      const message = JSON.parse(each) as Message;
      if (message.id !== undefined) {
        this.#waiting.get(message.id)?.(message);
        this.#waiting.delete(message.id);
        continue;
      }
      this.#note(message);
      for (const listener of this.#events) listener(message);
    }
  }

  #note({ method, params }: Message): void {
    const isComplaint =
      method === 'Log.entryAdded' ||
      method === 'Runtime.consoleAPICalled' ||
      method === 'Runtime.exceptionThrown';
    if (isComplaint) this.complaints.push(JSON.stringify(params));
  }

  /** Sends one command of the protocol. @throws Error where the browser refuses it */
  async send(method: string, params: Parameters = {}): Promise<Parameters> {
    this.#id += 1;
    const id = this.#id;
    const answer = new Promise<Message>((resolve) => this.#waiting.set(id, resolve));
    const session = this.#session === '' ? {} : { sessionId: this.#session };
    this.#writer.write(`${JSON.stringify({ id, method, params, ...session })}\0`);
    const { result, error } = await answer;
    if (error) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  }

  /** Loads a URL to its end. */
  async load(url: string): Promise<void> {
    const loaded = new Promise<void>((resolve) => {
      this.#events.push(({ method }) => {
        if (method === 'Page.loadEventFired') resolve();
      });
    });
    await this.send('Page.navigate', { url });
    await loaded;
  }

  /** What an expression gives in the page, as JSON. @throws Error where it throws */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', {
      expression,
      returnByValue: true,
      awaitPromise: true,
    });
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { readonly value: T }).value;
  }

  /** Presses a key where the focus is. */
  async press(key: string, text?: string): Promise<void> {
    const code = key === 'Tab' ? 9 : key === 'Enter' ? 13 : 0;
    const common = { key, code: key, windowsVirtualKeyCode: code };
    await this.send('Input.dispatchKeyEvent', {
      type: text === undefined ? 'rawKeyDown' : 'keyDown',
      ...common,
      ...(text === undefined ? {} : { text }),
    });
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', ...common });
  }

  /** Ends the browser. */
  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill();
    await ended;
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
