import { everywhere } from '../access/scope.ts';
import { type GrantCheck, infoOf } from './check.ts';

/** A pattern under which all URLs are; stars at the end of one count as one. */
const ALL_URLS = /^\/?\*+$/;

/** All URLs that are no resources. A RoleBinding grants none. */
export const R008: GrantCheck = {
  kind: 'grant',
  info: infoOf(
    {
      id: 'R008',
      title: 'All non-resource URLs',
      why: 'Among them are metrics, logs, profiles and debug endpoints of the API server, and whatever a later version adds.',
      remedy: 'Name the URLs: `/metrics`.',
      peers: [],
    },
    everywhere('HIGH'),
  ),
  find: ({ rule, at }) => {
    const path = rule.nonResourceURLs?.find((url) => ALL_URLS.test(url));
    if (path === undefined || rule.verbs.length === 0) return [];
    return [
      {
        ruleIndex: at,
        rule,
        verbs: rule.verbs,
        apiGroup: '',
        resource: '',
        path,
        names: [],
        isNamespaced: false,
      },
    ];
  },
  rate: ({ verbs }) => (verbs.every((verb) => verb === 'get') ? 'MEDIUM' : 'HIGH'),
};
