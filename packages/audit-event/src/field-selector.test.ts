import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nameFromFieldSelector } from './field-selector.ts';

function nameOf(selector: string, more = ''): string {
  return nameFromFieldSelector(`/api/v1/pods?fieldSelector=${encodeURIComponent(selector)}${more}`);
}

describe('nameFromFieldSelector', () => {
  it.each([
    ['metadata.name=x', 'x'],
    ['metadata.name==x', 'x'],
    ['metadata.namespace=n,metadata.name=x', 'x'],
    ['spec.nodeName!=a,metadata.name=x', 'x'],
    ['metadata.name=b,metadata.name=a', 'a'],
    [',,metadata.name=x,', 'x'],
    ['metadata.name=a\\,b', 'a,b'],
    ['metadata.name=a\\=b', 'a=b'],
    ['metadata.name=a\\\\b', 'a\\b'],
    ['metadata.name=', ''],
    ['metadata.name!=x', ''],
    ['xmetadata.name=x', ''],
    ['metadata.name =x', ''],
    ['metadata.name', ''],
    ['metadata.name=x,nonsense', ''],
    ['metadata.name=x,a=b=c', ''],
    ['metadata.name===x', ''],
    ['metadata.name=a\\b', ''],
    ['metadata.name=a\\', ''],
    ['metadata.name=..', ''],
    ['metadata.name=.', ''],
    ['metadata.name=a/b', ''],
    ['metadata.name=a%b', ''],
    ['', ''],
  ])('of %j is %j', (selector, name) => {
    expect(nameOf(selector)).toBe(name);
  });

  it('is the first selector, where there are two', () => {
    expect(nameOf('metadata.name=x', '&fieldSelector=metadata.name%3Dy')).toBe('x');
  });

  it.each([
    ['&limit=500', 'x'],
    ['&limit=%2B1&timeoutSeconds=-7', 'x'],
    ['&limit=9223372036854775807', 'x'],
    ['&limit=0009223372036854775807', 'x'],
    ['&limit=9223372036854775808', ''],
    ['&limit=-9223372036854775808', 'x'],
    ['&limit=', ''],
    ['&limit=ten', ''],
    ['&timeoutSeconds=5s', ''],
    ['&limit=1e3', ''],
  ])('with %j is %j, since options that do not decode are dropped as a whole', (more, name) => {
    expect(nameOf('metadata.name=x', more)).toBe(name);
  });

  it('gives back any name that is a valid path segment', () => {
    const segment = fc.string({ minLength: 1, unit: 'binary' }).filter((name) => !/[/%]|^\.\.?$/.test(name));
    fc.assert(
      fc.property(segment, (name) => {
        expect(nameOf(`metadata.name=${name.replace(/[\\,=]/g, String.raw`\$&`)}`)).toBe(name);
      }),
    );
  });

  it('takes a megabyte of terms', () => {
    expect(nameOf(`${'a=b,'.repeat(250_000)}metadata.name=x`)).toBe('x');
  });
});
