export type * from './types.ts';
export { CAPS } from './capped.ts';
export {
  cloneCluster,
  emptyCluster,
  mergeCluster,
  type MergeListener,
  type RulesListener,
  totalOfRules,
} from './cluster-state.ts';
export { DAY_US, dayOf, emptyEvidence, mergeEvidence } from './evidence.ts';
export { firstDaysIn } from './first-days.ts';
export {
  type BindingUsage,
  bindingUsageOf,
  type BindingUsages,
  type ClusterBindingsInput,
} from './binding-usage.ts';
export { bindingKey, withBinding } from './granting-bindings.ts';
export {
  clientsOf,
  observe,
  type Observations,
  type ObserveOptions,
  observeRun,
  type Run,
  type Sample,
} from './observe.ts';
export {
  AUDICIA_PRESET,
  AUDIT2RBAC_PRESET,
  DEFAULT_OPTIONS,
  EXACT_PRESET,
  type KubernetesVersion,
  type NamingOptions,
  NEWEST_KUBERNETES,
  type PolicyOptions,
  type PresetName,
  PRESETS,
} from './options.ts';
export type { Cell, Exception, ExceptionClass, RuleEvidence, SubjectPolicy, Widening } from './policy.ts';
export { createInference, type Inference } from './infer.ts';
export { checkObjects, checkPolicy, createPolicyCheck, type Mismatch } from './verify.ts';
export { MAX_REFUSALS, type Refusal, RefusalFinder, type RefusalReport } from './refusals.ts';
export { describeCell } from './grant.ts';
export { isNamespaceGone, retentionPeriod, secondaryCells } from './classify.ts';
export { isSpecialVerb } from './validity.ts';
export { matchesGlob } from './objects.ts';
export * from './approved/index.ts';
export { effectiveRules } from './authorizer/aggregation.ts';
export * from './authorizer/index.ts';
export { RuleIndex } from './authorizer/rule-index.ts';
export * from './bootstrap/index.ts';
export * from './diff/index.ts';
export * from './manifests/index.ts';
export { parseYamlValue, type YamlNode, type YamlProblem, type YamlValue } from './manifests/yaml-value.ts';
export * from './retire/index.ts';
export * from './score/index.ts';
export { type HeldPermission, type PermissionUse, type PermissionUses, permissionUses } from './unused.ts';
export { unseenNeeds, type UnseenNeed } from './unseen.ts';
