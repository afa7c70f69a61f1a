import { type Api, at, listAt, textAt } from './api.ts';
import { CONTROL_PLANE_USERS } from './components.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const ACCOUNTS = 'system:serviceaccount:kube-system:';

/** A rule of a role as a subject has it. */
export interface Right {
  /** Of the RoleBinding; `''`: everywhere. */
  readonly namespace: string;
  readonly rule: unknown;
}

/** What each user is granted by name, groups left aside. */
export type Rights = ReadonlyMap<string, readonly Right[]>;

/** Whether a user is one of the controllers, the controller manager or the scheduler. */
export function isController(username: string): boolean {
  return CONTROL_PLANE_USERS.includes(username) || username.startsWith(ACCOUNTS);
}

/** A user's name as the table shows it. */
export function shortName(username: string): string {
  return username.startsWith(ACCOUNTS) ? username.slice(ACCOUNTS.length) : username;
}

/** The user that a binding's subject stands for; `''` for groups. */
function usernameOf(subject: unknown, bindingNamespace: string): string {
  const name = textAt(subject, 'name');
  switch (at(subject, 'kind')) {
    case 'User':
      return name;
    case 'ServiceAccount':
      return `system:serviceaccount:${textAt(subject, 'namespace') || bindingNamespace}:${name}`;
    default:
      return '';
  }
}

interface Binding {
  readonly object: unknown;
  readonly namespace: string;
  /** The controllers among its subjects. */
  readonly users: readonly string[];
}

function bindingsIn(objects: readonly unknown[]): readonly Binding[] {
  return objects
    .map((object) => {
      const namespace = textAt(object, 'metadata', 'namespace');
      const users = listAt(object, 'subjects').map((subject) => usernameOf(subject, namespace));
      return { object, namespace, users: users.filter(isController) };
    })
    .filter(({ users }) => users.length > 0);
}

async function readBindings(api: Api): Promise<readonly Binding[]> {
  return bindingsIn([
    ...(await api.items(`${RBAC}/clusterrolebindings`)),
    ...(await api.items(`${RBAC}/rolebindings`)),
  ]);
}

function pathOf({ object, namespace }: Binding): string {
  const name = textAt(object, 'metadata', 'name');
  const encoded = encodeURIComponent(name);
  return namespace === ''
    ? `${RBAC}/clusterrolebindings/${encoded}`
    : `${RBAC}/namespaces/${namespace}/rolebindings/${encoded}`;
}

/** What bindings grant to the controllers, where `rulesOf` finds the rules of a role by its kind, namespace and name. */
function rightsOf(bindings: readonly Binding[], rulesOf: (key: string) => readonly unknown[]): Rights {
  const rights = new Map<string, Right[]>();
  for (const { object, namespace, users } of bindings) {
    const [kind, name] = [textAt(object, 'roleRef', 'kind'), textAt(object, 'roleRef', 'name')];
    const rules = rulesOf(`${kind}/${kind === 'Role' ? namespace : ''}/${name}`);
    for (const user of users) {
      rights.set(user, [...(rights.get(user) ?? []), ...rules.map((rule) => ({ namespace, rule }))]);
    }
  }
  return rights;
}

/** What RBAC objects, taken by themselves, grant to the controllers. */
export function rightsIn(objects: readonly unknown[]): Rights {
  const roles = new Map<string, readonly unknown[]>();
  for (const object of objects) {
    const place = textAt(object, 'metadata', 'namespace');
    const key = `${textAt(object, 'kind')}/${place}/${textAt(object, 'metadata', 'name')}`;
    roles.set(key, listAt(object, 'rules'));
  }
  return rightsOf(bindingsIn(objects), (key) => roles.get(key) ?? []);
}

/** What the API server's own roles grant to the controllers before anything of ours is there. */
export async function readRights(api: Api): Promise<Rights> {
  const kinds = [
    ['ClusterRole', 'clusterroles'],
    ['Role', 'roles'],
    ['ClusterRoleBinding', 'clusterrolebindings'],
    ['RoleBinding', 'rolebindings'],
  ] as const;
  const lists = kinds.map(async ([kind, plural]) =>
    // Items of a list do not say their kind.
    (await api.items(`${RBAC}/${plural}`)).map((item) => Object.assign({ kind }, item)),
  );
  return rightsIn((await Promise.all(lists)).flat());
}

/**
 * Takes the controllers out of every binding that there is, and keeps the API server from putting them back.
 * @returns how many bindings that were
 */
export async function retireBindings(api: Api): Promise<number> {
  const bindings = await readBindings(api);
  for (const binding of bindings) {
    const { object, namespace } = binding;
    const subjects = listAt(object, 'subjects').filter((each) => !isController(usernameOf(each, namespace)));
    const annotations = { 'rbac.authorization.kubernetes.io/autoupdate': 'false' };
    await api.patch(pathOf(binding), { metadata: { annotations }, subjects });
  }
  return bindings.length;
}

/** Whether the API server lets a user do something, by its own word. */
export async function mayWatchNamespaces(api: Api, user: string): Promise<boolean> {
  const review = await api.post('/apis/authorization.k8s.io/v1/subjectaccessreviews', {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: { user, resourceAttributes: { verb: 'watch', resource: 'namespaces' } },
  });
  return at(review, 'status', 'allowed') === true;
}
