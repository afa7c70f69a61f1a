/** A glob of namespaces: lower-case letters, digits, hyphens and `*`, which stands for any text. */
export const NAMESPACE_GLOB = /^[a-z0-9*](?:[a-z0-9*-]{0,61}[a-z0-9*])?$/u;

/** A glob of clusters, whose names the operator chose: no spaces, nothing invisible. */
export const CLUSTER_GLOB = /^[^\s\p{Cc}\p{Cf}]{1,253}$/u;

/**
 * The name of a group of owners. `cluster`, and the beginnings that groups without a name of their own have, are
 * taken: so that what nobody claimed never falls into somebody's pull request.
 */
export const GROUP_NAME = /^(?!cluster$|namespace-|owners-)[a-z0-9](?:[a-z0-9._-]{0,48}[a-z0-9])?$/u;

/** `@user`, `@org/team`, deeper groups of GitLab, or an address, as CODEOWNERS has them. */
export const REVIEWER =
  /^(?:@[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}(?:\/[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}){0,20}|[^\s@\p{Cc}\p{Cf}]{1,64}@[A-Za-z0-9.-]{1,253})$/u;

/** A label of a pull request that all forges take: at most 50 characters, no comma, no space at either end. */
export const FORGE_LABEL = /^[^\s,\p{Cc}\p{Cf}](?:[^,\p{Cc}\p{Cf}]{0,48}[^\s,\p{Cc}\p{Cf}])?$/u;

/** The key of a label or annotation of a Kubernetes object. */
export const LABEL_KEY = /^(?:[a-z0-9.-]{1,253}\/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/u;

/** The value of a label, before `${user}` is filled in. */
export const LABEL_VALUE = /^(?:[A-Za-z0-9_.-]|\$\{user\}){0,63}$/u;

/** A word within a rule: a verb, an API group, a resource, a name, a URL. `''` is the core group. */
export const RULE_WORD = /^[^\s\p{Cc}\p{Cf}]{0,512}$/u;
