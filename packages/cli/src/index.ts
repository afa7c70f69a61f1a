export { CliError, EXIT } from './exit.ts';
export { colorsFor, type Io, processIo, type TextOutput } from './io.ts';
export { Ingestion, type IngestOptions, type IngestStats } from './ingest.ts';
export { main } from './program.ts';
