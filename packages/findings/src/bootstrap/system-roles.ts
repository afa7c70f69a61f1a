/*
 * The rules that Kubernetes ships for people and for its components, one a line: `VERBS GROUP RESOURCES [NAMES]`, where
 * `core` is the group without a name, or `VERBS url PATHS`. The union over versions 1.34.1 and 1.35.4 with all feature gates.
 * Source: kubernetes plugin/pkg/auth/authorizer/rbac/bootstrappolicy (policy.go, controller_policy.go, namespace_policy.go),
 * by way of its testdata. Apache-2.0.
 */

/** Rules by the name of the ClusterRole; of a Role by `NAMESPACE/NAME`. */
export const SYSTEM_ROLES: Readonly<Record<string, string>> = {
  'cluster-admin': `
    * * *
    * url *`,
  'system:aggregate-to-admin': `
    create authorization.k8s.io localsubjectaccessreviews
    create,delete,deletecollection,get,list,patch,update,watch rbac.authorization.k8s.io rolebindings,roles`,
  'system:aggregate-to-edit': `
    create core pods/eviction,serviceaccounts/token
    create,delete,deletecollection,get,list,patch,update,watch coordination.k8s.io leases
    create,delete,deletecollection,get,list,patch,update,watch core pods/attach,pods/exec,pods/portforward,pods/proxy,secrets,services/proxy
    create,delete,deletecollection,impersonate,patch,update core serviceaccounts
    create,delete,deletecollection,patch,update apps daemonsets,deployments,deployments/rollback,deployments/scale,replicasets,replicasets/scale,statefulsets,statefulsets/scale
    create,delete,deletecollection,patch,update autoscaling horizontalpodautoscalers
    create,delete,deletecollection,patch,update batch cronjobs,jobs
    create,delete,deletecollection,patch,update core configmaps,events,persistentvolumeclaims,pods,replicationcontrollers,replicationcontrollers/scale,services
    create,delete,deletecollection,patch,update events.k8s.io events
    create,delete,deletecollection,patch,update extensions daemonsets,deployments,deployments/rollback,deployments/scale,ingresses,networkpolicies,replicasets,replicasets/scale,replicationcontrollers/scale
    create,delete,deletecollection,patch,update networking.k8s.io ingresses,networkpolicies
    create,delete,deletecollection,patch,update policy poddisruptionbudgets
    create,delete,deletecollection,patch,update resource.k8s.io resourceclaims,resourceclaimtemplates`,
  'system:aggregate-to-view': `
    get,list,watch apps controllerrevisions,daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,replicasets,replicasets/scale,replicasets/status,statefulsets,statefulsets/scale,statefulsets/status
    get,list,watch autoscaling horizontalpodautoscalers,horizontalpodautoscalers/status
    get,list,watch batch cronjobs,cronjobs/status,jobs,jobs/status
    get,list,watch core bindings,configmaps,endpoints,events,limitranges,namespaces,namespaces/status,persistentvolumeclaims,persistentvolumeclaims/status,pods,pods/log,pods/status,replicationcontrollers,replicationcontrollers/scale,replicationcontrollers/status,resourcequotas,resourcequotas/status,serviceaccounts,services,services/status
    get,list,watch discovery.k8s.io endpointslices
    get,list,watch events.k8s.io events
    get,list,watch extensions daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,ingresses,ingresses/status,networkpolicies,replicasets,replicasets/scale,replicasets/status,replicationcontrollers/scale
    get,list,watch networking.k8s.io ingresses,ingresses/status,networkpolicies
    get,list,watch policy poddisruptionbudgets,poddisruptionbudgets/status
    get,list,watch resource.k8s.io resourceclaims,resourceclaims/status,resourceclaimtemplates`,
  'system:auth-delegator': `
    create authentication.k8s.io tokenreviews
    create authorization.k8s.io subjectaccessreviews`,
  'system:basic-user': `
    create authentication.k8s.io selfsubjectreviews
    create authorization.k8s.io selfsubjectaccessreviews,selfsubjectrulesreviews`,
  'system:certificates.k8s.io:certificatesigningrequests:nodeclient': `
    create certificates.k8s.io certificatesigningrequests/nodeclient`,
  'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient': `
    create certificates.k8s.io certificatesigningrequests/selfnodeclient`,
  'system:certificates.k8s.io:kube-apiserver-client-approver': `
    approve certificates.k8s.io signers kubernetes.io/kube-apiserver-client`,
  'system:certificates.k8s.io:kube-apiserver-client-kubelet-approver': `
    approve certificates.k8s.io signers kubernetes.io/kube-apiserver-client-kubelet`,
  'system:certificates.k8s.io:kubelet-serving-approver': `
    approve certificates.k8s.io signers kubernetes.io/kubelet-serving`,
  'system:certificates.k8s.io:legacy-unknown-approver': `
    approve certificates.k8s.io signers kubernetes.io/legacy-unknown`,
  'system:cluster-trust-bundle-discovery': `
    get,list,watch certificates.k8s.io clustertrustbundles`,
  'system:discovery': `
    get url /api,/api/*,/apis,/apis/*,/healthz,/livez,/openapi,/openapi/*,/readyz,/version,/version/`,
  'system:heapster': `
    get,list,watch core events,namespaces,nodes,pods
    get,list,watch extensions deployments`,
  'system:kube-aggregator': `
    get,list,watch core endpoints,services`,
  'system:kube-controller-manager': `
    create authentication.k8s.io tokenreviews
    create authorization.k8s.io subjectaccessreviews
    create coordination.k8s.io leases
    create core serviceaccounts/token
    create,delete,get,update core secrets
    create,get,update core serviceaccounts
    create,patch,update core events
    create,patch,update events.k8s.io events
    get core configmaps,namespaces
    get,update coordination.k8s.io leases kube-controller-manager
    list,watch * *`,
  'system:kube-dns': `
    list,watch core endpoints,services`,
  'system:kube-scheduler': `
    create authentication.k8s.io tokenreviews
    create authorization.k8s.io subjectaccessreviews
    create coordination.k8s.io leases
    create core bindings,pods/binding
    create,delete,deletecollection,get,list,patch,update,watch coordination.k8s.io leasecandidates
    create,delete,get,list,patch,update,watch resource.k8s.io resourceclaims
    create,patch,update core events
    create,patch,update events.k8s.io events
    delete,get,list,watch core pods
    get,list,patch,update,watch resource.k8s.io resourceclaims/status
    get,list,update,watch coordination.k8s.io leases kube-scheduler
    get,list,watch apps replicasets,statefulsets
    get,list,watch core namespaces,nodes,persistentvolumeclaims,persistentvolumes,replicationcontrollers,services
    get,list,watch extensions replicasets
    get,list,watch policy poddisruptionbudgets
    get,list,watch resource.k8s.io deviceclasses,devicetaintrules,resourceslices
    get,list,watch scheduling.k8s.io workloads
    get,list,watch storage.k8s.io csidrivers,csinodes,csistoragecapacities,volumeattachments
    patch,update core pods/status
    update core pods/finalizers`,
  'system:kubelet-api-admin': `
    * core nodes/configz,nodes/healthz,nodes/log,nodes/metrics,nodes/pods,nodes/proxy,nodes/stats
    get,list,proxy,watch core nodes`,
  'system:monitoring': `
    get core nodes/metrics
    get url /flagz,/healthz,/healthz/*,/livez,/livez/*,/metrics,/metrics/slis,/readyz,/readyz/*,/statusz`,
  'system:node': `
    create authentication.k8s.io tokenreviews
    create authorization.k8s.io localsubjectaccessreviews,subjectaccessreviews
    create core pods/eviction,serviceaccounts/token
    create,delete,get,list,watch core pods
    create,delete,get,patch,update coordination.k8s.io leases
    create,delete,get,patch,update storage.k8s.io csinodes
    create,get,list,patch,update,watch core nodes
    create,get,list,watch certificates.k8s.io certificatesigningrequests,podcertificaterequests
    create,patch,update core events
    create,patch,update events.k8s.io events
    deletecollection resource.k8s.io resourceslices
    get core endpoints,persistentvolumeclaims,persistentvolumes,serviceaccounts
    get resource.k8s.io resourceclaims
    get storage.k8s.io volumeattachments
    get,list,watch certificates.k8s.io clustertrustbundles
    get,list,watch core configmaps,secrets,services
    get,list,watch node.k8s.io runtimeclasses
    get,list,watch storage.k8s.io csidrivers
    get,patch,update core persistentvolumeclaims/status
    patch,update core nodes/status,pods/status`,
  'system:node-bootstrapper': `
    create,get,list,watch certificates.k8s.io certificatesigningrequests`,
  'system:node-problem-detector': `
    create,patch,update core events
    create,patch,update events.k8s.io events
    get core nodes
    patch core nodes/status`,
  'system:node-proxier': `
    create,patch,update core events
    create,patch,update events.k8s.io events
    get,list,watch core nodes
    list,watch core endpoints,services
    list,watch discovery.k8s.io endpointslices
    list,watch networking.k8s.io servicecidrs`,
  'system:persistent-volume-provisioner': `
    create,delete,get,list,watch core persistentvolumes
    create,patch,update events.k8s.io events
    create,patch,update,watch core events
    get,list,update,watch core persistentvolumeclaims
    get,list,watch storage.k8s.io storageclasses`,
  'system:public-info-viewer': `
    get url /healthz,/livez,/readyz,/version,/version/`,
  'system:service-account-issuer-discovery': `
    get url /.well-known/openid-configuration,/.well-known/openid-configuration/,/openid/v1/jwks,/openid/v1/jwks/`,
  'system:volume-scheduler': `
    get,list,patch,update,watch core persistentvolumeclaims,persistentvolumes
    get,list,watch storage.k8s.io storageclasses`,
  'kube-system/extension-apiserver-authentication-reader': `
    get,list,watch core configmaps extension-apiserver-authentication`,
  'kube-system/system::leader-locking-kube-controller-manager': `
    create,get,list,update,watch coordination.k8s.io leasecandidates,leases
    get,update core configmaps kube-controller-manager
    watch core configmaps`,
  'kube-system/system::leader-locking-kube-scheduler': `
    create,get,list,update,watch coordination.k8s.io leasecandidates,leases
    get,update core configmaps kube-scheduler
    watch core configmaps`,
};
