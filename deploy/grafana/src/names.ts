/** What the provisioned data source is known by. */
export const DATASOURCE_UID = 'leastwise-prometheus';

/** Where dashboards and alerts are in Grafana. */
export const FOLDER = 'Leastwise';
