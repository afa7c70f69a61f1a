{{/* The port of an address: a URL, host:port, or user@host:path, which is SSH. Nothing of a path on disk. */}}
{{- define "leastwise.portOf" -}}
{{- $port := regexFind ":[0-9]+$" (ternary (urlParse .).host . (contains "://" .)) | trimPrefix ":" -}}
{{- if $port -}}{{ $port }}
{{- else if hasPrefix "http://" . -}}80
{{- else if contains "://" . -}}{{ ternary 22 443 (hasPrefix "ssh://" .) }}
{{- else if contains "@" . -}}22
{{- end -}}
{{- end -}}

{{/* One rule to the ports of `addresses` and those of `rule`; nothing where there are no addresses. */}}
{{- define "leastwise.egressTo" -}}
{{- $ports := list -}}
{{- range .addresses -}}
{{- with include "leastwise.portOf" . }}{{ $ports = append $ports (int .) }}{{ end -}}
{{- end -}}
{{- if $ports -}}
{{- range .rule.ports -}}{{ $ports = append $ports (int .) }}{{- end -}}
- ports:
  {{- range uniq $ports | sortAlpha }}
    - { protocol: TCP, port: {{ . }} }
  {{- end }}
  {{- with .rule.to }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{ end -}}
{{- end -}}

{{/* What a component speaks to, by its configuration. */}}
{{- define "leastwise.egress" -}}
{{- $policy := .root.Values.networkPolicy -}}
{{- $config := include "leastwise.config" . | fromYaml -}}
{{- $redis := default (list) (default dict $config.redis).nodes -}}
{{- $forge := list -}}
{{- $alertmanagers := list -}}
{{- $api := "" -}}
{{- if eq .component "aggregator" -}}
{{- include "leastwise.egressTo" (dict "addresses" $config.kafka.brokers "rule" $policy.kafka) -}}
{{- range (default dict $config.alerts).alertmanagers }}{{ $alertmanagers = append $alertmanagers .url }}{{ end -}}
{{- else if eq .component "publisher" -}}
{{- if dig "state" "folder" "" $config }}{{ $redis = list }}{{ end -}}
{{- $forge = list $config.repository.url -}}
{{- with $config.forge -}}
{{- if ne (default "none" .kind) "none" }}{{ $forge = append $forge (default "https://forge" .apiUrl) }}{{ end -}}
{{- end -}}
{{- $api = $config.policyReports.clusters -}}
{{- else -}}
{{- $api = "always" -}}
{{- with $config.issues -}}
{{- if .repository }}{{ $forge = list .repository (default "https://forge" .apiUrl) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- include "leastwise.egressTo" (dict "addresses" $redis "rule" $policy.redis) -}}
{{- include "leastwise.egressTo" (dict "addresses" $forge "rule" $policy.forge) -}}
{{- include "leastwise.egressTo" (dict "addresses" $alertmanagers "rule" $policy.alertmanager) -}}
{{- if $api -}}
{{- include "leastwise.egressTo" (dict "addresses" (list "https://kubernetes") "rule" $policy.kubernetesApi) -}}
{{- end -}}
{{- with (index .root.Values .component).extraEgress -}}
{{- toYaml . }}
{{ end -}}
{{- end -}}
