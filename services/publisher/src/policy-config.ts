import {
  bootstrapDefaults,
  DEFAULT_OPTIONS,
  type KubernetesVersion,
  type PolicyOptions,
  PRESETS,
} from '@leastwise/rbac';
import * as z from 'zod';

const MAX_DAYS = 36_500;
const days = z.number().int().min(1).max(MAX_DAYS);
const VERSION = /^v?(\d{1,3})\.(\d{1,3})(?:[.+-].{0,100})?$/;
/** Without `${subject}`, two subjects would have objects of one name. */
const NAME_TEMPLATE = /^(?=.*\$\{subject\})(?:[a-z0-9:.-]|\$\{subject\}){1,200}$/;

/** The knobs, by the words of the command line's flags. What `leastwise.yaml` says counts before them. */
export const policySchema = z.strictObject({
  preset: z
    .enum(['exact', 'audit2rbac', 'audicia'])
    .optional()
    .describe('Several knobs at once; what stands beside it counts before it.'),
  scopeMode: z.enum(['NamespaceStrict', 'ClusterScopeAllowed']).optional(),
  verbMerge: z.enum(['Exact', 'Smart']).optional(),
  wildcards: z.enum(['Forbidden', 'Safe']).optional(),
  resourceNames: z
    .union([z.number().int().min(0).max(999_999), z.enum(['Explicit', 'Omit'])])
    .optional()
    .describe('Keep up to this many stable names of one verb and resource, all of them, or none.'),
  expandMultiNamespace: z.boolean().optional(),
  expandMultiName: z.boolean().optional(),
  includeOtherAuthorizers: z.boolean().optional(),
  specialVerbs: z.enum(['Withhold', 'Grant']).optional(),
  mapDeprecatedGroups: z.boolean().optional(),
  shareRoles: z.boolean().optional(),
  namespaceGroups: z.array(z.string().min(1)).optional(),
  retentionDays: days.optional().describe('Evidence counts for so many days.'),
  namespaceIdleDays: days.optional().describe('Namespaces not seen for so many days are left out.'),
  kubernetesVersion: z.string().regex(VERSION, 'expected a version such as "1.34"').optional(),
  generateName: z
    .string()
    .regex(NAME_TEMPLATE, 'expected a template of names with ${subject} in it')
    .optional(),
  generateLabels: z.record(z.string(), z.string()).optional(),
  generateAnnotations: z.record(z.string(), z.string()).optional(),
});

/** The knobs as configured. */
export type PolicyConfig = z.output<typeof policySchema>;

/**
 * The options that a configuration asks for: its own knobs, else those of the preset, else the defaults. A preset never
 * grants what was refused, for in a repository that is `includeDenied` of `leastwise.yaml` alone; and it names objects
 * by their subject, for there are many of them.
 */
export function policyOptionsOf(config: PolicyConfig): PolicyOptions {
  const { preset, kubernetesVersion, generateName, generateLabels, generateAnnotations, ...knobs } = config;
  const base: PolicyOptions = { ...DEFAULT_OPTIONS, ...(preset === undefined ? {} : PRESETS[preset]) };
  const version = kubernetesVersion === undefined ? base.kubernetesVersion : versionOf(kubernetesVersion);
  return {
    ...base,
    ...given(knobs),
    includeDenied: false,
    kubernetesVersion: version,
    existing: bootstrapDefaults(version),
    naming: {
      template: generateName ?? base.naming.template?.replaceAll('${user}', '${subject}'),
      labels: generateLabels ?? base.naming.labels,
      annotations: generateAnnotations ?? base.naming.annotations,
    },
  };
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without what nobody said. */
function given<T extends object>(values: T): Given<T> {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Given<T>; // of the same keys
}

/** The schema has taken it before. */
function versionOf(text: string): KubernetesVersion {
  const match = VERSION.exec(text);
  return { major: Number(match?.[1]), minor: Number(match?.[2]) };
}
