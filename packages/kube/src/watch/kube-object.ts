import { textAt, valueAt } from '../json-value.ts';

/** An object as an API server gives it, as far as every object is alike. */
export interface KubeObject {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** All of it. Lists leave out its kind and apiVersion. */
  readonly value: object;
}

/** An object's place among those of its kind. */
export function keyOf({ namespace, name }: Pick<KubeObject, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}

/** @returns `undefined` where that is no object with a name */
export function toKubeObject(value: unknown): KubeObject | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const metadata = valueAt(value, 'metadata');
  const name = textAt(metadata, 'name');
  if (name === '') return undefined;
  return {
    namespace: textAt(metadata, 'namespace'),
    name,
    uid: textAt(metadata, 'uid'),
    resourceVersion: textAt(metadata, 'resourceVersion'),
    value,
  };
}
