export * from './conformance/forge.ts';
export * from './conformance/pull-requests.ts';
export * from './conformance/remote.ts';
