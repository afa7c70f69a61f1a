import {
  bootstrapDefaults,
  DEFAULT_OPTIONS,
  type KubernetesVersion,
  type PolicyOptions,
  PRESETS,
  type PresetName,
  type RbacObject,
} from '@leastwise/rbac';
import type { Command } from 'commander';

import { CliError } from './exit.ts';

/** The policy flags as commander hands them over; `undefined` where the user said nothing. */
export interface PolicyFlags {
  readonly preset?: PresetName;
  readonly scopeMode?: PolicyOptions['scopeMode'];
  readonly generateKind?: 'Role' | 'ClusterRole';
  readonly verbMerge?: PolicyOptions['verbMerge'];
  readonly wildcards?: PolicyOptions['wildcards'];
  readonly resourceNames?: PolicyOptions['resourceNames'];
  readonly expandMultiNamespace?: boolean;
  readonly expandMultiName?: boolean;
  readonly includeDenied?: boolean;
  readonly includeOtherAuthorizers?: boolean;
  readonly specialVerbs?: PolicyOptions['specialVerbs'];
  readonly mapDeprecatedGroups?: boolean;
  readonly shareRoles?: boolean;
  readonly namespaceGroup?: readonly string[];
  readonly retentionDays?: number;
  readonly asOf?: number;
  readonly namespaceIdleDays?: number;
  readonly kubernetesVersion?: KubernetesVersion;
  readonly generateName?: string;
  readonly generateLabels?: Readonly<Record<string, string>>;
  readonly generateAnnotations?: Readonly<Record<string, string>>;
  readonly namespace?: string;
}

/** A parser of a flag that takes one of a few words, in any case of letters. */
export function oneOf<const T extends string>(...words: readonly T[]): (text: string) => T {
  return (text) => {
    const found = words.find((word) => word.toLowerCase() === text.toLowerCase());
    if (found === undefined) throw new CliError(`"${text}" is not one of ${words.join(', ')}`);
    return found;
  };
}

/** `--flag`, `--flag=true`, `--flag=false`, as Go's flags take them. */
export function boolFlag(text: string): boolean {
  return oneOf('true', 'false')(text) === 'true';
}

/** A whole number of days, 1 or more. */
export function days(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1) throw new CliError(`"${text}" is not a number of days (1 or more)`);
  return value;
}

/** `YYYY-MM-DD` (UTC) as days since the epoch. */
export function day(text: string): number {
  const us = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  if (Number.isNaN(us)) throw new CliError(`"${text}" is not a day as YYYY-MM-DD`);
  return Math.floor(us / 86_400_000);
}

/** `1.34`, `v1.34.1`. */
export function kubernetesVersion(text: string): KubernetesVersion {
  const match = /^v?(\d{1,3})\.(\d{1,3})(?:[.+-].*)?$/.exec(text);
  if (!match) throw new CliError(`"${text}" is not a Kubernetes version such as 1.34`);
  return { major: Number(match[1]), minor: Number(match[2]) };
}

/** `Explicit`, `Omit`, or how many names of one verb and resource are kept. */
export function resourceNames(text: string): PolicyOptions['resourceNames'] {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  return oneOf('Explicit', 'Omit')(text);
}

/** `key=value,key=value`, as Go's StringToString flags take them. */
export function keyValues(text: string): Record<string, string> {
  const entries = text
    .split(',')
    .filter((pair) => pair !== '')
    .map((pair): [string, string] => {
      const at = pair.indexOf('=');
      if (at < 1) throw new CliError(`"${pair}" is not key=value`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    });
  return Object.fromEntries(entries);
}

/** Adds the knobs between what was observed and what is granted to a command. */
export function addPolicyFlags(command: Command): Command {
  return command
    .option(
      '--preset <name>',
      'knobs as a whole: exact (no widening), audit2rbac, audicia',
      oneOf('exact', 'audit2rbac', 'audicia'),
    )
    .option(
      '--scope-mode <mode>',
      'NamespaceStrict (default) or ClusterScopeAllowed',
      oneOf('NamespaceStrict', 'ClusterScopeAllowed'),
    )
    .option(
      '--generate-kind <kind>',
      'Role (as NamespaceStrict) or ClusterRole (as ClusterScopeAllowed)',
      oneOf('Role', 'ClusterRole'),
    )
    .option('--verb-merge <mode>', 'Exact (default) or Smart', oneOf('Exact', 'Smart'))
    .option('--wildcards <mode>', 'Forbidden (default) or Safe', oneOf('Forbidden', 'Safe'))
    .option('--resource-names <n>', 'keep up to n stable names (default 10), Explicit or Omit', resourceNames)
    .option(
      '--expand-multi-namespace [bool]',
      'the same operation in several namespaces: grant it in all',
      boolFlag,
    )
    .option('--expand-multi-name [bool]', 'the same operation on several names: grant it on all', boolFlag)
    .option('--include-denied [bool]', 'grant what was refused, too', boolFlag)
    .option('--include-other-authorizers [bool]', 'grant what another authorizer allowed, too', boolFlag)
    .option(
      '--special-verbs <mode>',
      'Withhold (default) or Grant verbs beyond the eight standard ones',
      oneOf('Withhold', 'Grant'),
    )
    .option('--map-deprecated-groups [bool]', 'add the group that replaced a removed one', boolFlag)
    .option('--share-roles [bool]', 'namespaces with equal rules share one ClusterRole', boolFlag)
    .option('--namespace-group <glob...>', 'namespaces that match share one ClusterRole with all their rules')
    .option('--retention-days <n>', 'evidence counts for so many days (default 90)', days)
    .option(
      '--as-of <day>',
      'the newest day that counts, YYYY-MM-DD (default: the newest in the evidence)',
      day,
    )
    .option('--namespace-idle-days <n>', 'leave out namespaces not seen for so many days (default 30)', days)
    .option(
      '--kubernetes-version <version>',
      'the version to render for (default: the newest known)',
      kubernetesVersion,
    )
    .option('--generate-name <template>', 'name of the objects, with ${user}')
    .option('--generate-labels <key=value,...>', 'labels of the objects, with ${user}', keyValues)
    .option('--generate-annotations <key=value,...>', 'annotations of the objects', keyValues);
}

/** The flags that are options by the same name. */
const SAME_NAME = [
  'verbMerge',
  'wildcards',
  'resourceNames',
  'expandMultiNamespace',
  'expandMultiName',
  'includeDenied',
  'includeOtherAuthorizers',
  'specialVerbs',
  'mapDeprecatedGroups',
  'shareRoles',
  'retentionDays',
  'namespaceIdleDays',
  'kubernetesVersion',
  'namespace',
] as const satisfies readonly (keyof PolicyFlags & keyof PolicyOptions)[];

function scopeModeOf(flags: PolicyFlags): PolicyOptions['scopeMode'] | undefined {
  if (flags.generateKind === undefined) return flags.scopeMode;
  const mode = flags.generateKind === 'Role' ? 'NamespaceStrict' : 'ClusterScopeAllowed';
  if (flags.scopeMode !== undefined && flags.scopeMode !== mode) {
    throw new CliError(
      `--generate-kind ${flags.generateKind} and --scope-mode ${flags.scopeMode} contradict each other`,
    );
  }
  return mode;
}

/**
 * Policy options from flags: what the user said, else the preset, else the defaults.
 * @param existing - RBAC that exists besides the bootstrap defaults and is not to be granted again.
 * @throws CliError where flags contradict each other.
 */
export function policyOptions(flags: PolicyFlags, existing: readonly RbacObject[] = []): PolicyOptions {
  const preset: Partial<PolicyOptions> = flags.preset === undefined ? {} : PRESETS[flags.preset];
  const base: PolicyOptions = { ...DEFAULT_OPTIONS, ...preset };
  const said = SAME_NAME.filter((key) => flags[key] !== undefined).map((key) => [key, flags[key]] as const);
  const merged: PolicyOptions = { ...base, ...(Object.fromEntries(said) as Partial<PolicyOptions>) };
  return {
    ...merged,
    scopeMode: scopeModeOf(flags) ?? base.scopeMode,
    namespaceGroups: flags.namespaceGroup ?? base.namespaceGroups,
    asOfDay: flags.asOf ?? base.asOfDay,
    existing: [...bootstrapDefaults(merged.kubernetesVersion), ...existing],
    naming: {
      template: flags.generateName ?? base.naming.template,
      labels: flags.generateLabels ?? base.naming.labels,
      annotations: flags.generateAnnotations ?? base.naming.annotations,
    },
  };
}

/**
 * The same options for many subjects at once: audit2rbac's preset names objects by a service account's bare
 * name, which only does for one. A template that the user gave stays as it is.
 */
export function namedApart(options: PolicyOptions, flags: PolicyFlags): PolicyOptions {
  const { template } = options.naming;
  if (flags.generateName !== undefined || template === undefined) return options;
  return {
    ...options,
    naming: { ...options.naming, template: template.replaceAll('${user}', '${subject}') },
  };
}
