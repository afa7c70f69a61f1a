// Where each page of the documents stands on the site. A test sees that none is left out.

/** By the four kinds of documents (https://diataxis.fr): what each page is for. Paths are below docs, without `.md`. */
export const NAVIGATION = [
  {
    text: 'Tutorials',
    pages: [
      ['guide-from-audit-log-to-merged-role', 'From an audit log to a merged role'],
      ['compose', 'The whole pipeline on one machine'],
    ],
  },
  {
    text: 'How to',
    pages: [
      ['ways-in', 'Ways in'],
      ['audit-logs', 'Get audit logs'],
      ['fluent-bit', 'Ship them with Fluent Bit'],
      ['install-on-kubernetes', 'Install on Kubernetes'],
      ['stream', 'Many clusters'],
      ['publisher', 'The publisher'],
      ['auditor', 'The auditor'],
      ['gate', 'The gate in CI'],
      ['monitoring', 'Monitoring'],
      ['operations', 'Operations'],
      ['coming-from-audit2rbac', 'Coming from audit2rbac'],
      ['coming-from-audicia', 'Coming from Audicia'],
    ],
  },
  {
    text: 'Commands',
    pages: [
      'generate',
      'run',
      'verify',
      'score',
      'diff',
      'report',
      'scan',
      'audit-policy',
      'publish',
      'explain',
      'state',
      'config',
      'doctor',
    ].map((name) => [`commands/${name}`, name]),
  },
  {
    text: 'Reference',
    pages: [
      ['input-forms', 'Input forms'],
      ['knobs', 'Knobs'],
      ['checks', 'RBAC checks'],
      ['detections', 'Detections'],
      ['reference/aggregator', 'Configuration: aggregator'],
      ['reference/publisher', 'Configuration: publisher'],
      ['reference/auditor', 'Configuration: auditor'],
      ['reference/leastwise-yaml', 'leastwise.yaml'],
    ],
  },
  {
    text: 'Explanation',
    pages: [
      ['how-evidence-counts', 'How evidence counts'],
      ['proof', 'Proof on a real API server'],
      ['end-to-end', 'The whole way on real servers'],
      ['performance', 'Performance and size'],
      ['limitations', 'Limitations'],
      ['threat-model', 'Threat model'],
      ['comparison', 'Beside other tools'],
      ['adr/README', 'Decisions'],
    ],
  },
];
