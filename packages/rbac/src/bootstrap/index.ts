export { bootstrapDefaults, grantedByDefault } from './defaults.ts';
