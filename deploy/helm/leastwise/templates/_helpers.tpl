{{- define "leastwise.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Below, a dict has `root`, the chart's own scope, and `component`: aggregator, publisher or auditor. */}}

{{- define "leastwise.componentName" -}}
{{- printf "%s-%s" (include "leastwise.fullname" .root) .component -}}
{{- end -}}

{{- define "leastwise.selectorLabels" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{- define "leastwise.labels" -}}
{{ include "leastwise.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: leastwise
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "leastwise.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The configuration file of a component: what values say, over what the chart knows. */}}
{{- define "leastwise.config" -}}
{{- $config := deepCopy (index .root.Values .component).config -}}
{{- $known := dict -}}
{{- if or (ne .component "auditor") $config.auditPolicies -}}
{{- $_ := set $known "redis" (deepCopy .root.Values.redis) -}}
{{- end -}}
{{- if eq .component "auditor" -}}
{{- $_ := set $known "policy" (dict "namespace" .root.Release.Namespace) -}}
{{- $_ := set $known "lease" (dict "namespace" .root.Release.Namespace) -}}
{{- else if eq .component "publisher" -}}
{{- $_ := set $known "policyReports" (dict "namespace" .root.Release.Namespace) -}}
{{- end -}}
{{- toYaml (mergeOverwrite $known $config) -}}
{{- end -}}

{{/* Whole seconds of a duration, as services spell one: 1m30s. */}}
{{- define "leastwise.seconds" -}}
{{- $units := dict "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0 "d" 86400.0 -}}
{{- $seconds := 0.0 -}}
{{- range regexFindAll "[0-9.]+(ms|[smhd])" . -1 -}}
{{- $seconds = addf $seconds (mulf (float64 (regexFind "[0-9.]+" .)) (index $units (regexFind "[a-z]+" .))) -}}
{{- end -}}
{{- ceil $seconds | int -}}
{{- end -}}

{{/* Whole seconds of `key` of a component's configuration, shutdown or outage, or of the service's own default. */}}
{{- define "leastwise.configSeconds" -}}
{{- $isAuditor := eq .component "auditor" -}}
{{- $defaults := dict "shutdown" (ternary "15s" "25s" $isAuditor) "outage" (ternary "1m" "10m" $isAuditor) -}}
{{- include "leastwise.seconds" (default (index $defaults .key) (index (index .root.Values .component).config .key)) -}}
{{- end -}}

{{/* Whether a component speaks to the API server of the cluster that it runs in, as its own service account. */}}
{{- define "leastwise.isInCluster" -}}
{{- $config := (index .root.Values .component).config -}}
{{- $clusters := dict -}}
{{- if eq .component "auditor" -}}
{{- $clusters = default (dict "this" (dict "inCluster" true)) $config.clusters -}}
{{- else if eq .component "publisher" -}}
{{- $clusters = default dict (default dict $config.policyReports).clusters -}}
{{- end -}}
{{- range $clusters }}{{ if .inCluster }}yes{{ end }}{{ end -}}
{{- end -}}

{{/* Three quarters of the memory limit, in MiB: the rest is for buffers and code. */}}
{{- define "leastwise.heapMiB" -}}
{{- $number := regexFind "^[0-9]+" . | int -}}
{{- div (mul 3 (ternary (mul 1024 $number) $number (hasSuffix "Gi" .))) 4 -}}
{{- end -}}
