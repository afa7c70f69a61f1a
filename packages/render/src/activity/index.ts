export {
  activityDayPath,
  activityFolder,
  activityIndexPath,
  readActivityDayPath,
  renderActivityIndex,
} from './activity-files.ts';
export { renderActivityCsv } from './activity-csv.ts';
export { renderActivityHtml } from './activity-html.ts';
export { ACTIVITY_JSON_VERSION, renderActivityJson } from './activity-json.ts';
export { type ChartFiles, renderActivityMarkdown } from './activity-markdown.ts';
export {
  activityCharts,
  type ChartColors,
  type ChartSpec,
  FILE_COLORS,
  type Json,
  PAGE_COLORS,
} from './charts.ts';
export { CHART_NAMES, CHART_TITLES, type ChartName } from './text.ts';
