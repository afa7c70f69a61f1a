export { decodeRecord } from './decode-record.ts';
export { RecordReader } from './record-reader.ts';
export type { RecordReaderOptions } from './record-reader.ts';
