/*
 * The rules that Kubernetes ships for the controllers of its controller manager, one a line: `VERBS GROUP RESOURCES [NAMES]`, where
 * `core` is the group without a name, or `VERBS url PATHS`. The union over versions 1.34.1 and 1.35.4 with all feature gates.
 * Source: kubernetes plugin/pkg/auth/authorizer/rbac/bootstrappolicy (policy.go, controller_policy.go, namespace_policy.go),
 * by way of its testdata. Apache-2.0.
 */

/** Rules by the name of the ClusterRole; of a Role by `NAMESPACE/NAME`. */
export const CONTROLLER_ROLES: Readonly<Record<string, string>> = {
  'system:controller:attachdetach-controller': `
    create,delete,get,list,watch storage.k8s.io volumeattachments
    create,patch,update core events
    create,patch,update events.k8s.io events
    get,list,watch core nodes
    get,list,watch storage.k8s.io csidrivers,csinodes
    list,watch core persistentvolumeclaims,persistentvolumes,pods
    patch,update core nodes/status`,
  'system:controller:certificate-controller': `
    approve certificates.k8s.io signers kubernetes.io/kube-apiserver-client-kubelet
    create authorization.k8s.io subjectaccessreviews
    create,patch,update core events
    create,patch,update events.k8s.io events
    delete,get,list,watch certificates.k8s.io certificatesigningrequests
    sign certificates.k8s.io signers kubernetes.io/kube-apiserver-client|kubernetes.io/kube-apiserver-client-kubelet|kubernetes.io/kubelet-serving|kubernetes.io/legacy-unknown
    update certificates.k8s.io certificatesigningrequests/approval,certificatesigningrequests/status`,
  'system:controller:clusterrole-aggregation-controller': `
    escalate,get,list,patch,update,watch rbac.authorization.k8s.io clusterroles`,
  'system:controller:cronjob-controller': `
    create,delete,get,list,patch,update,watch batch jobs
    create,patch,update core events
    create,patch,update events.k8s.io events
    delete,list,watch core pods
    get,list,update,watch batch cronjobs
    update batch cronjobs/finalizers,cronjobs/status`,
  'system:controller:daemon-set-controller': `
    create core pods/binding
    create,delete,get,list,patch,update,watch apps controllerrevisions
    create,delete,list,patch,watch core pods
    create,patch,update core events
    create,patch,update events.k8s.io events
    get,list,watch apps daemonsets
    get,list,watch extensions daemonsets
    list,watch core nodes
    update apps daemonsets/finalizers,daemonsets/status
    update extensions daemonsets/finalizers,daemonsets/status`,
  'system:controller:deployment-controller': `
    create,delete,get,list,patch,update,watch apps replicasets
    create,delete,get,list,patch,update,watch extensions replicasets
    create,patch,update core events
    create,patch,update events.k8s.io events
    get,list,update,watch apps deployments
    get,list,update,watch core pods
    get,list,update,watch extensions deployments
    update apps deployments/finalizers,deployments/status
    update extensions deployments/finalizers,deployments/status`,
  'system:controller:disruption-controller': `
    create,patch,update core events
    create,patch,update events.k8s.io events
    get * */scale
    get,list,watch apps deployments,replicasets,statefulsets
    get,list,watch core replicationcontrollers
    get,list,watch extensions deployments,replicasets
    get,list,watch policy poddisruptionbudgets
    patch,update core pods/status
    update policy poddisruptionbudgets/status`,
  'system:controller:endpoint-controller': `
    create core endpoints/restricted
    create,delete,get,list,update,watch core endpoints
    create,patch,update core events
    create,patch,update events.k8s.io events
    get,list,watch core pods,services`,
  'system:controller:endpointslice-controller': `
    create,delete,get,list,update,watch discovery.k8s.io endpointslices
    create,patch,update core events
    create,patch,update events.k8s.io events
    get,list,watch core nodes,pods,services
    update core services/finalizers`,
  'system:controller:endpointslicemirroring-controller': `
    create,delete,get,list,update,watch discovery.k8s.io endpointslices
    create,patch,update core events
    create,patch,update events.k8s.io events
    get,list,watch core endpoints,services
    update core endpoints/finalizers,services/finalizers`,
  'system:controller:ephemeral-volume-controller': `
    create,get,list,watch core persistentvolumeclaims
    create,patch,update core events
    create,patch,update events.k8s.io events
    get,list,watch core pods
    update core pods/finalizers`,
  'system:controller:expand-controller': `
    create,patch,update core events
    create,patch,update events.k8s.io events
    get core services
    get,list,patch,update,watch core persistentvolumes
    get,list,watch core persistentvolumeclaims
    patch,update core persistentvolumeclaims/status`,
  'system:controller:generic-garbage-collector': `
    create,patch,update core events
    create,patch,update events.k8s.io events
    delete,get,list,patch,update,watch * *`,
  'system:controller:horizontal-pod-autoscaler': `
    create,patch,update core events
    create,patch,update events.k8s.io events
    get,list,watch autoscaling horizontalpodautoscalers
    get,list,watch custom.metrics.k8s.io *
    get,list,watch external.metrics.k8s.io *
    get,update * */scale
    list,watch core pods
    list,watch metrics.k8s.io pods
    update autoscaling horizontalpodautoscalers/status`,
  'system:controller:job-controller': `
    create,delete,list,patch,watch core pods
    create,patch,update core events
    create,patch,update events.k8s.io events
    get,list,patch,update,watch batch jobs
    update batch jobs/finalizers,jobs/status`,
  'system:controller:legacy-service-account-token-cleaner': `
    delete,patch core secrets
    get core configmaps kube-apiserver-legacy-service-account-token-tracking`,
  'system:controller:namespace-controller': `
    delete,deletecollection,get,list,watch * *
    delete,get,list,watch core namespaces
    update core namespaces/finalize,namespaces/status`,
  'system:controller:node-controller': `
    create,patch,update core events
    create,patch,update events.k8s.io events
    delete,get,list,patch,update,watch core nodes
    delete,get,list,watch core pods
    patch,update core nodes/status,pods/status`,
  'system:controller:persistent-volume-binder': `
    create,delete,get,list,update,watch core persistentvolumes
    create,delete,get,list,watch core pods
    create,patch,update events.k8s.io events
    create,patch,update,watch core events
    get core services
    get,list,update,watch core persistentvolumeclaims
    get,list,watch storage.k8s.io storageclasses
    list,watch core nodes
    update core persistentvolumeclaims/status,persistentvolumes/status`,
  'system:controller:pod-garbage-collector': `
    delete,list,watch core pods
    get,list,watch core nodes
    patch core pods/status`,
  'system:controller:pv-protection-controller': `
    create,patch,update core events
    create,patch,update events.k8s.io events
    get,list,update,watch core persistentvolumes`,
  'system:controller:pvc-protection-controller': `
    create,patch,update core events
    create,patch,update events.k8s.io events
    get,list,update,watch core persistentvolumeclaims
    get,list,watch core pods`,
  'system:controller:replicaset-controller': `
    create,delete,list,patch,watch core pods
    create,patch,update core events
    create,patch,update events.k8s.io events
    get,list,update,watch apps replicasets
    get,list,update,watch extensions replicasets
    update apps replicasets/finalizers,replicasets/status
    update extensions replicasets/finalizers,replicasets/status`,
  'system:controller:replication-controller': `
    create,delete,list,patch,watch core pods
    create,patch,update core events
    create,patch,update events.k8s.io events
    get,list,update,watch core replicationcontrollers
    update core replicationcontrollers/finalizers,replicationcontrollers/status`,
  'system:controller:resource-claim-controller': `
    create,delete,get,list,patch,update,watch resource.k8s.io resourceclaims
    create,patch,update core events
    create,patch,update events.k8s.io events
    get,list,watch core pods
    patch,update core pods/status
    patch,update resource.k8s.io resourceclaims/status
    update core pods/finalizers`,
  'system:controller:resourcequota-controller': `
    create,patch,update core events
    create,patch,update events.k8s.io events
    list,watch * *
    update core resourcequotas/status`,
  'system:controller:root-ca-cert-publisher': `
    create,patch,update core events
    create,patch,update events.k8s.io events
    create,update core configmaps`,
  'system:controller:route-controller': `
    create,patch,update core events
    create,patch,update events.k8s.io events
    list,watch core nodes
    patch core nodes/status`,
  'system:controller:selinux-warning-controller': `
    create,patch,update core events
    create,patch,update events.k8s.io events
    get,list,watch core persistentvolumeclaims,persistentvolumes,pods
    get,list,watch storage.k8s.io csidrivers`,
  'system:controller:service-account-controller': `
    create core serviceaccounts
    create,patch,update core events
    create,patch,update events.k8s.io events`,
  'system:controller:service-cidrs-controller': `
    create,patch,update core events
    create,patch,update events.k8s.io events
    get,list,patch,update,watch networking.k8s.io servicecidrs
    get,list,watch networking.k8s.io ipaddresses
    patch,update networking.k8s.io servicecidrs/finalizers,servicecidrs/status`,
  'system:controller:service-controller': `
    create,patch,update core events
    create,patch,update events.k8s.io events
    get,list,watch core services
    list,watch core nodes
    patch,update core services/status`,
  'system:controller:statefulset-controller': `
    create,delete,get,list,patch,update,watch apps controllerrevisions
    create,delete,get,list,patch,update,watch core pods
    create,delete,get,list,update,watch core persistentvolumeclaims
    create,patch,update core events
    create,patch,update events.k8s.io events
    get,list,watch apps statefulsets
    update apps statefulsets/finalizers,statefulsets/status
    update core pods/finalizers`,
  'system:controller:ttl-after-finished-controller': `
    create,patch,update core events
    create,patch,update events.k8s.io events
    delete,get,list,watch batch jobs`,
  'system:controller:ttl-controller': `
    create,patch,update core events
    create,patch,update events.k8s.io events
    list,patch,update,watch core nodes`,
  'system:controller:validatingadmissionpolicy-status-controller': `
    create,patch,update core events
    create,patch,update events.k8s.io events
    get,list,watch admissionregistration.k8s.io validatingadmissionpolicies
    get,patch,update admissionregistration.k8s.io validatingadmissionpolicies/status`,
  'system:controller:volumeattributesclass-protection-controller': `
    create,patch,update core events
    create,patch,update events.k8s.io events
    get,list,update,watch storage.k8s.io volumeattributesclasses
    get,list,watch core persistentvolumeclaims,persistentvolumes`,
  'kube-public/system:controller:bootstrap-signer': `
    create,patch,update core events
    create,patch,update events.k8s.io events
    get,list,watch core configmaps
    update core configmaps cluster-info`,
  'kube-system/system:controller:bootstrap-signer': `
    get,list,watch core secrets`,
  'kube-system/system:controller:cloud-provider': `
    create,get,list,watch core configmaps`,
  'kube-system/system:controller:token-cleaner': `
    create,patch,update core events
    create,patch,update events.k8s.io events
    delete,get,list,watch core secrets`,
};
