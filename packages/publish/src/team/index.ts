export type * from './choices.ts';
export { DEFAULT_CHOICES } from './choices.ts';
export { type ChoiceScope, choicesFor, optionsFor, type ScopeChoices } from './choices-for.ts';
export {
  type Codeowners,
  CODEOWNERS_PATHS,
  type CodeownersDialect,
  NO_CODEOWNERS,
  parseCodeowners,
} from './codeowners.ts';
export type { OwnerProblem, OwnerProblemReason } from './codeowners-lines.ts';
export {
  isLeftOutReason,
  LEFT_OUT_SENTENCES,
  leftOut,
  type LeftOutFacts,
  type LeftOutReason,
} from './left-out.ts';
export * from './observability.ts';
export {
  CLUSTER_GROUP,
  groupOf,
  type GroupPart,
  groupsOf,
  type OwnerGroup,
  policyPath,
} from './owner-group.ts';
export type { TeamProblem, TeamProblemReason } from './problem.ts';
export { parseTeamFile, TEAM_FILE_PATH, type TeamFile } from './team-file.ts';
export { teamFileSchema } from './team-shape.ts';
