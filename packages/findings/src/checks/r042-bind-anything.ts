import { everywhere } from '../access/scope.ts';
import { BINDING_PARTS } from './binding-parts.ts';
import { type CombinationCheck, infoOf } from './check.ts';

/** `bind` and the bindings to use it in, though they may come by different ways. */
export const R042: CombinationCheck = {
  kind: 'combination',
  info: infoOf(
    {
      id: 'R042',
      title: 'Binds itself to any role',
      why: 'It may write bindings and may bind roles beyond its own rights: it makes itself cluster-admin, or admin of the namespace, whenever it wants.',
      remedy: 'Take one of the two away, or name the roles that may be bound in resourceNames.',
      peers: ['KS 3 rules', 'TR 0051/0052', 'KR'],
    },
    everywhere('CRITICAL'),
  ),
  parts: BINDING_PARTS,
  alternatives: [{ all: ['bind', 'write'] }, { all: ['bind in cluster', 'write in cluster'] }],
  rate: () => 'CRITICAL',
};
