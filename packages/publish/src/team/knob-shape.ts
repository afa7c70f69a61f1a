import {
  type KubernetesVersion,
  type NamingOptions,
  type PolicyOptions,
  type PresetName,
  PRESETS,
} from '@leastwise/rbac';

import type { Knobs } from './choices.ts';
import { described, either, flag, listOf, oneOf, type Shape, text, textMap, wholeNumber } from './shape.ts';
import { LABEL_KEY, LABEL_VALUE, NAMESPACE_GLOB } from './words.ts';

/** The knobs as the file spells them. */
export interface WrittenKnobs {
  readonly preset?: PresetName;
  readonly scopeMode?: PolicyOptions['scopeMode'];
  readonly verbMerge?: PolicyOptions['verbMerge'];
  readonly wildcards?: PolicyOptions['wildcards'];
  readonly resourceNames?: PolicyOptions['resourceNames'];
  readonly expandMultiNamespace?: boolean;
  readonly expandMultiName?: boolean;
  readonly includeOtherAuthorizers?: boolean;
  readonly specialVerbs?: PolicyOptions['specialVerbs'];
  readonly mapDeprecatedGroups?: boolean;
  readonly shareRoles?: boolean;
  readonly namespaceGroups?: readonly string[];
  readonly retentionDays?: number;
  readonly namespaceIdleDays?: number;
  readonly kubernetesVersion?: string;
  readonly generateName?: string;
  readonly generateLabels?: Readonly<Record<string, string>>;
  readonly generateAnnotations?: Readonly<Record<string, string>>;
}

const MAX_DAYS = 36_500;

const VERSION = /^v?(\d{1,3})\.(\d{1,3})(?:[.+-].{0,100})?$/u;
/** Without `${subject}`, two subjects would have objects of one name. */
const NAME_TEMPLATE = /^(?=.*\$\{subject\})(?:[a-z0-9:.-]|\$\{subject\}){1,200}$/u;
const ANNOTATION = /^\P{Cc}{0,4096}$/u;

/** By the words of the command line's flags. */
export const KNOB_SHAPES: { readonly [K in keyof WrittenKnobs]-?: Shape<NonNullable<WrittenKnobs[K]>> } = {
  preset: described(
    oneOf('exact', 'audit2rbac', 'audicia'),
    'Several knobs at once. Those that stand beside it win over it.',
  ),
  scopeMode: described(
    oneOf('NamespaceStrict', 'ClusterScopeAllowed'),
    'Grant what was done in a namespace there, or everywhere by one ClusterRole.',
    'NamespaceStrict',
  ),
  verbMerge: described(
    oneOf('Exact', 'Smart'),
    'Smart: the verbs seen on one resource share their names.',
    'Exact',
  ),
  wildcards: described(
    oneOf('Forbidden', 'Safe'),
    'Safe: all eight standard verbs seen on a resource become *.',
    'Forbidden',
  ),
  resourceNames: described(
    either(
      wholeNumber(0, 999_999),
      oneOf('Explicit', 'Omit'),
      'a number of names (0 to 999999), Explicit or Omit',
    ),
    'Keep up to this many stable names of one verb and resource, all of them, or none.',
    10,
  ),
  expandMultiNamespace: described(flag, 'The same operation in several namespaces: grant it in all.', false),
  expandMultiName: described(flag, 'The same operation on several names: grant it on all.', false),
  includeOtherAuthorizers: described(flag, 'Grant what another authorizer allowed, too.', false),
  specialVerbs: described(
    oneOf('Withhold', 'Grant'),
    'What becomes of verbs beyond the eight standard ones.',
    'Withhold',
  ),
  mapDeprecatedGroups: described(flag, 'Add the API group that replaced a removed one.', false),
  shareRoles: described(flag, 'Namespaces with equal rules share one ClusterRole.', false),
  namespaceGroups: described(
    listOf(text(NAMESPACE_GLOB, 'a glob of namespaces')),
    'Globs: the namespaces that match one share one ClusterRole with all their rules.',
    [],
  ),
  retentionDays: described(wholeNumber(1, MAX_DAYS), 'Evidence counts for so many days.', 90),
  namespaceIdleDays: described(
    wholeNumber(1, MAX_DAYS),
    'Namespaces that were not seen for so many days are left out.',
    30,
  ),
  kubernetesVersion: described(
    text(VERSION, 'a Kubernetes version such as "1.34"'),
    'The version to render for, in quotes.',
  ),
  generateName: described(
    text(NAME_TEMPLATE, 'a template of names with ${subject} in it'),
    'Names of the objects, with ${subject}.',
  ),
  generateLabels: described(
    textMap(LABEL_KEY, 'the key of a label', text(LABEL_VALUE, 'the value of a label')),
    'Labels of the objects, with ${user}, in place of the default ones.',
  ),
  generateAnnotations: described(
    textMap(LABEL_KEY, 'the key of an annotation', text(ANNOTATION, 'one line of text')),
    'Annotations of the objects.',
  ),
};

/**
 * Knobs that reach from one namespace into others: they cannot be turned for some of a subject's namespaces only.
 * The version is the cluster's.
 */
export const REACHING_KNOBS = [
  'scopeMode',
  'expandMultiNamespace',
  'shareRoles',
  'namespaceGroups',
  'kubernetesVersion',
] as const satisfies readonly (keyof Knobs)[];

/** The version that a text names; the pattern of the knob has taken it before. */
function versionOf(written: string): KubernetesVersion {
  const match = VERSION.exec(written);
  return { major: Number(match?.[1]), minor: Number(match?.[2]) };
}

/**
 * The knobs that a preset turns here: all of its own but the one that grants what was refused, for in a repository
 * refused requests count by `includeDenied` alone; and names by the subject's own, for there are many of them.
 */
function presetKnobs(preset: PresetName): Knobs {
  const { naming, ...knobs }: Partial<PolicyOptions> = Object.fromEntries(
    Object.entries(PRESETS[preset]).filter(([knob]) => knob !== 'includeDenied'),
  );
  if (naming === undefined) return knobs;
  const template = naming.template?.replaceAll('${user}', '${subject}');
  return { ...knobs, naming: { ...naming, template } };
}

/** What written knobs mean, the preset first. */
export function knobsOf(written: WrittenKnobs): Knobs {
  const { preset, kubernetesVersion, generateName, generateLabels, generateAnnotations, ...same } = written;
  const base = preset === undefined ? {} : presetKnobs(preset);
  const naming: Partial<NamingOptions> = {
    ...base.naming,
    ...(generateName === undefined ? {} : { template: generateName }),
    ...(generateLabels === undefined ? {} : { labels: generateLabels }),
    ...(generateAnnotations === undefined ? {} : { annotations: generateAnnotations }),
  };
  return {
    ...base,
    ...same,
    ...(kubernetesVersion === undefined ? {} : { kubernetesVersion: versionOf(kubernetesVersion) }),
    ...(Object.keys(naming).length === 0 ? {} : { naming }),
  };
}
