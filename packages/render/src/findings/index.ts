export { FINDINGS_JSON_VERSION, renderFindingsJson } from './findings-json.ts';
export { MARKDOWN_LIMIT, renderFindingsMarkdown } from './findings-markdown.ts';
export { renderFindingsTable } from './findings-table.ts';
export { renderGithubAnnotations } from './github-annotations.ts';
export { renderJunit } from './junit.ts';
export type { FindingsReport } from './report.ts';
export { renderSarif } from './sarif.ts';
export {
  renderSarifLog,
  type SarifLevel,
  type SarifLocation,
  type SarifResult,
  type SarifRule,
  type SarifRun,
} from './sarif-log.ts';
