import { everywhere } from '../access/scope.ts';
import { BINDING_PARTS } from './binding-parts.ts';
import { type CombinationCheck, infoOf } from './check.ts';

/** Bindings without `bind`; with it, it is R042. */
export const R043: CombinationCheck = {
  kind: 'combination',
  info: infoOf(
    {
      id: 'R043',
      title: 'Writes bindings',
      why: 'It may hand all its own rights on to anybody, and take whom it likes into bindings whose roles it holds.',
      remedy: 'Let bindings be written by the pipeline that owns them.',
      peers: ['KS add-rolebinding', 'TR 0055', 'KR'],
    },
    everywhere('HIGH'),
  ),
  parts: BINDING_PARTS,
  alternatives: [
    { all: ['write'], without: ['bind'] },
    { all: ['write in cluster'], without: ['bind in cluster'] },
  ],
  rate: () => 'HIGH',
};
