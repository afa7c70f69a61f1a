export { answer, FakeCluster, fakeWaiting, pathOf } from './fake-cluster.ts';
