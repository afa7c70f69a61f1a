{{/* Binds the ClusterRole `name` to the account of a component, by a binding of that name. */}}
{{- define "leastwise.clusterRoleBinding" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {{ .name }}
  labels: {{- include "leastwise.labels" .scope | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "leastwise.componentName" .scope }}
    namespace: {{ .scope.root.Release.Namespace }}
{{- end -}}

{{/* A Role for one object of a namespace, and its RoleBinding, for the account of a component. */}}
{{- define "leastwise.roleIn" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ .name }}
  namespace: {{ .namespace }}
  labels: {{- include "leastwise.labels" .scope | nindent 4 }}
rules:
  - apiGroups: [{{ .group | quote }}]
    resources: [{{ .resource }}]
    resourceNames: [{{ .object | quote }}]
    verbs: {{ toJson .verbs }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ .name }}
  namespace: {{ .namespace }}
  labels: {{- include "leastwise.labels" .scope | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "leastwise.componentName" .scope }}
    namespace: {{ .scope.root.Release.Namespace }}
{{- end -}}
