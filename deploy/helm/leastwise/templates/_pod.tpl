{{/* The spec of a component's pod, fit for Pod Security `restricted`. `args` is what runs in it, below `tini`. */}}
{{- define "leastwise.podSpec" -}}
{{- $values := index .root.Values .component -}}
serviceAccountName: {{ include "leastwise.componentName" . }}
{{- /* Only who speaks to the API server has a token for it. */}}
automountServiceAccountToken: {{ not (empty (include "leastwise.isInCluster" .)) }}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  {{- with .root.Values.fsGroup }}
  fsGroup: {{ int . }}
  {{- end }}
  seccompProfile: { type: RuntimeDefault }
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - name: {{ .component }}
    image: {{ include "leastwise.image" .root | quote }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    {{- /* The image starts `leastwise` by itself; tini hands signals on to whatever runs in it, and reaps its children. */}}
    command: [tini, --]
    args: {{- toYaml .args | nindent 6 }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities: { drop: [ALL] }
    env:
      - name: NODE_OPTIONS
        value: --max-old-space-size={{ include "leastwise.heapMiB" $values.resources.limits.memory }}
      {{- if eq .component "auditor" }}
      {{- /* It never deletes a binding of its own account. */}}
      - name: LEASTWISE_POD_NAMESPACE
        valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
      - name: LEASTWISE_POD_SERVICE_ACCOUNT
        valueFrom: { fieldRef: { fieldPath: spec.serviceAccountName } }
      {{- end }}
      {{- with $values.extraEnv }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
    resources: {{- toYaml $values.resources | nindent 6 }}
    {{- if not .isTest }}
    {{- include "leastwise.probes" . | nindent 4 }}
    {{- end }}
    volumeMounts:
      - { name: config, mountPath: /etc/leastwise/config, readOnly: true }
      - { name: tmp, mountPath: /tmp }
      {{- range $name, $_ := $values.secrets }}
      - { name: secret-{{ $name }}, mountPath: /etc/leastwise/secrets/{{ $name }}, readOnly: true }
      {{- end }}
      {{- range $name, $_ := $values.configMaps }}
      - { name: files-{{ $name }}, mountPath: /etc/leastwise/files/{{ $name }}, readOnly: true }
      {{- end }}
      {{- with $values.extraVolumeMounts }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
volumes:
  - name: config
    configMap: { name: {{ include "leastwise.componentName" . }} }
  - name: tmp
    emptyDir: { sizeLimit: {{ $values.tmpSizeLimit }} }
  {{- range $name, $secret := $values.secrets }}
  - name: secret-{{ $name }}
    secret:
      secretName: {{ $secret.secretName }}
      # Of root, and to be read by the group of the pod.
      defaultMode: 0440
      {{- with $secret.items }}
      items: {{- toYaml . | nindent 8 }}
      {{- end }}
  {{- end }}
  {{- range $name, $map := $values.configMaps }}
  - name: files-{{ $name }}
    configMap: { name: {{ $map.configMapName }} }
  {{- end }}
  {{- with $values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- define "leastwise.probes" -}}
{{- $config := (index .root.Values .component).config -}}
ports:
  - { name: http, containerPort: {{ dig "http" "port" 8080 $config | int }} }
# A start waits for Redis for as long as an outage may last, and answers nobody until then.
startupProbe:
  httpGet: { path: /healthz, port: http }
  periodSeconds: 10
  failureThreshold: {{ add 6 (div (include "leastwise.configSeconds" (merge (dict "key" "outage") .)) 10) }}
livenessProbe:
  httpGet: { path: /healthz, port: http }
  periodSeconds: 20
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: { path: /readyz, port: http }
  periodSeconds: 10
  timeoutSeconds: 5
{{- end -}}
