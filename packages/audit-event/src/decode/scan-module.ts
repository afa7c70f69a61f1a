import { SCAN_WASM } from './scan-wasm.ts';

/** What the scanner's WebAssembly module offers; `assembly/scan.ts` says what each part does. */
export interface ScanModule {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly RESULT: { readonly value: number };
  readonly INPUT: { readonly value: number };
  readonly MAX_INPUT: { readonly value: number };
  readonly CLUSTER_NAME: { readonly value: number };
  readonly MAX_CLUSTER_NAME: { readonly value: number };
  readonly setUp: (shapes: number, arenaBytes: number, seed: bigint, clusterLength: number) => number;
  readonly scan: (length: number) => number;
}

/** What is used of the global; the compiler's libraries have it for browsers only, and some runtimes have it not at all. */
declare const WebAssembly:
  | {
      readonly Module: new (bytes: Uint8Array) => object;
      readonly Instance: new (module: object) => { readonly exports: unknown };
    }
  | undefined;

/** Compiled once, for all scanners. */
let compiled: object | undefined;

/** A new instance with memory of its own; `undefined` where there is no WebAssembly with SIMD, or no memory. */
export function createScanModule(): ScanModule | undefined {
  if (typeof WebAssembly === 'undefined') return undefined;
  try {
    compiled ??= new WebAssembly.Module(Buffer.from(SCAN_WASM, 'base64'));
    return new WebAssembly.Instance(compiled).exports as ScanModule;
  } catch {
    return undefined;
  }
}
