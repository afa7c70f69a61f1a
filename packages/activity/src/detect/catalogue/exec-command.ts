/** What a command that is run in a container may be after. The first that applies is told. */
export type CommandPurpose =
  | 'credentials'
  | 'metadata-service'
  | 'reverse-shell'
  | 'node'
  | 'download'
  | 'too-long-to-read'
  | 'copy'
  | 'shell';

/** More than this is not looked through: nobody types so much. */
const MAX_COMMAND = 65_536;

const CREDENTIAL_PATHS = [
  '/secrets/kubernetes.io/serviceaccount',
  '/secrets/eks.amazonaws.com/serviceaccount',
  '/secrets/azure/tokens',
  '/etc/kubernetes/admin.conf',
  '/etc/kubernetes/pki',
  '/var/lib/kubelet/pki',
  '/.kube/config',
  '/.aws/credentials',
  '/.config/gcloud',
  '/.docker/config.json',
  '/etc/shadow',
  '/root/.ssh',
];
const METADATA_SERVICES = [
  '169.254.169.254',
  'metadata.google.internal',
  'fd00:ec2::254',
  '169.254.170.2',
  '100.100.100.200',
];
const REVERSE_SHELL_TEXTS = ['/dev/tcp/', '/dev/udp/', 'pty.spawn', 'socket.socket'];
const NODE_TEXTS = ['docker.sock', 'containerd.sock', 'crio.sock', '/proc/1/root', '/host/'];
const SHELLS = 'sh bash ash dash zsh ksh csh tcsh fish pwsh powershell powershell.exe cmd cmd.exe'.split(' ');
/** Programs whose names tell nothing about who runs them. */
const PLAIN_PROGRAMS = new Set(
  [
    ...SHELLS,
    'curl wget nc ncat netcat socat tar cat env nsenter chroot busybox python python3 perl ruby'.split(' '),
  ].flat(),
);

interface Command {
  readonly text: string;
  /** The last parts of the paths of all words. */
  readonly programs: ReadonlySet<string>;
  readonly words: readonly string[];
}

type Rule = readonly [purpose: CommandPurpose, applies: (command: Command) => boolean];

const RULES: readonly Rule[] = [
  ['credentials', ({ text }) => CREDENTIAL_PATHS.some((path) => text.includes(path))],
  ['metadata-service', ({ text }) => METADATA_SERVICES.some((address) => text.includes(address))],
  ['reverse-shell', isReverseShell],
  ['node', ({ text, programs }) => programs.has('nsenter') || NODE_TEXTS.some((part) => text.includes(part))],
  ['download', isDownload],
  ['too-long-to-read', ({ text }) => text.length > MAX_COMMAND],
  ['copy', ({ programs }) => programs.has('tar')],
  ['shell', ({ programs }) => SHELLS.some((shell) => programs.has(shell))],
];

/**
 * What a command seems to be after, by its words; `undefined` for nothing in particular. Linear in its length.
 * @param command - program and arguments, as the `command` parameters of an exec's URI have them
 */
export function purposeOf(command: readonly string[]): CommandPurpose | undefined {
  const all = command.join(' ').toLowerCase();
  const words = all.slice(0, MAX_COMMAND).split(/[\s;|&'"()<>`=]+/);
  const programs = new Set(words.map(lastPart));
  return RULES.find(([, applies]) => applies({ text: all, programs, words }))?.[0];
}

/** The name of the program, where it is one of those that everybody has; what else was typed may be a secret. */
export function plainProgramOf(command: readonly string[]): string | undefined {
  const program = lastPart((command[0] ?? '').slice(0, 256).toLowerCase());
  return PLAIN_PROGRAMS.has(program) ? program : undefined;
}

function lastPart(word: string): string {
  return word.slice(word.lastIndexOf('/') + 1);
}

function isReverseShell({ text, programs, words }: Command): boolean {
  if (REVERSE_SHELL_TEXTS.some((part) => text.includes(part))) return true;
  if (programs.has('socat') && text.includes('exec:')) return true;
  const isNetcat = programs.has('nc') || programs.has('ncat') || programs.has('netcat');
  return isNetcat && words.some((word) => /^-[a-z]*[ec]$/.test(word) || word === '--exec');
}

function isDownload({ text, programs }: Command): boolean {
  const isFetching = programs.has('curl') || programs.has('wget');
  return isFetching && (text.includes('http://') || text.includes('https://'));
}
