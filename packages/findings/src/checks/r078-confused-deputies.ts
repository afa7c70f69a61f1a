import { clusterWide, namespaced } from '../access/grants.ts';
import { everywhere } from '../access/scope.ts';
import { grantCheck } from './grant-check.ts';
import { WRITE } from './resources.ts';
import type { Target } from '../access/grants.ts';

/** Argo CD and Argo Workflows, Flux, Crossplane, External Secrets, Tekton. */
const DEPUTIES: readonly Target[] = [
  namespaced('argoproj.io', ['applications', 'applicationsets', 'appprojects'], WRITE),
  namespaced('argoproj.io', ['workflows', 'workflowtemplates', 'cronworkflows'], WRITE),
  clusterWide('argoproj.io', ['clusterworkflowtemplates'], WRITE),
  namespaced('kustomize.toolkit.fluxcd.io', ['kustomizations'], WRITE),
  namespaced('helm.toolkit.fluxcd.io', ['helmreleases'], WRITE),
  clusterWide('apiextensions.crossplane.io', ['compositions', 'compositeresourcedefinitions'], WRITE),
  clusterWide('pkg.crossplane.io', ['providers', 'configurations', 'functions'], WRITE),
  namespaced('external-secrets.io', ['externalsecrets', 'secretstores', 'pushsecrets'], WRITE),
  clusterWide('external-secrets.io', ['clusterexternalsecrets', 'clustersecretstores'], WRITE),
  namespaced('tekton.dev', ['tasks', 'taskruns', 'pipelines', 'pipelineruns'], WRITE),
];

/** Makes a controller act for it. */
export const R078 = grantCheck(
  {
    id: 'R078',
    title: 'Makes a controller act for it',
    why: 'The controllers of these objects have wide rights and do what the objects say: apply manifests, start pods, copy secrets.',
    remedy: 'Grant it in the namespace whose controller has no more rights than the writer.',
    peers: [],
  },
  {
    targets: DEPUTIES,
    severities: everywhere('HIGH'),
  },
);
