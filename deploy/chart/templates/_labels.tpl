{{/*
Names are fixed: one tiklb runs in a cluster, its Lease and its roles have one name, and guides can be followed to the
letter. No label carries a version, so that an upgrade restarts what has changed and nothing else.
*/}}

{{- define "tiklb.allocator.labels" -}}
app.kubernetes.io/name: tiklb
app.kubernetes.io/component: allocator
{{- end }}

{{- define "tiklb.speaker.labels" -}}
app.kubernetes.io/name: tiklb
app.kubernetes.io/component: speaker
{{- end }}

{{- define "tiklb.release.labels" -}}
app.kubernetes.io/name: tiklb
app.kubernetes.io/component: release
{{- end }}

{{/* One that failed stays, so that its log can be read. */}}
{{- define "tiklb.release.annotations" -}}
helm.sh/hook: pre-delete
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{- define "tiklb.allocator.account" -}}
{{ .Values.controller.serviceAccount.name | default "tiklb-allocator" }}
{{- end }}

{{- define "tiklb.speaker.account" -}}
{{ .Values.speaker.serviceAccount.name | default "tiklb-speaker" }}
{{- end }}

{{- define "tiklb.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* What both daemons are told. The argument is a list of the root and the daemon's values. */}}
{{- define "tiklb.arguments" -}}
{{- $root := index . 0 -}}
{{- $daemon := index . 1 -}}
- --log-level={{ $daemon.logLevel }}
- --log-format={{ $daemon.logFormat }}
- --admin-listen=[::]:{{ $root.Values.prometheus.metricsPort }}
{{- with $root.Values.loadBalancerClass }}
- --lb-class={{ . }}
{{- end }}
{{- end }}

{{/* Both probes. The arguments are as above. */}}
{{- define "tiklb.probes" -}}
{{- $daemon := index . 1 -}}
{{- if $daemon.livenessProbe.enabled }}
livenessProbe:
  httpGet:
    path: /livez
    port: monitoring
  {{- omit $daemon.livenessProbe "enabled" | toYaml | nindent 2 }}
{{- end }}
{{- if $daemon.readinessProbe.enabled }}
readinessProbe:
  httpGet:
    path: /readyz
    port: monitoring
  {{- omit $daemon.readinessProbe "enabled" | toYaml | nindent 2 }}
{{- end }}
{{- end }}

{{/* Annotations of a Pod. The arguments are as above. */}}
{{- define "tiklb.annotations" -}}
{{- $root := index . 0 -}}
{{- $daemon := index . 1 -}}
{{- $annotations := dict -}}
{{- if $root.Values.prometheus.scrapeAnnotations -}}
{{- $_ := set $annotations "prometheus.io/scrape" "true" -}}
{{- $_ := set $annotations "prometheus.io/port" (toString $root.Values.prometheus.metricsPort) -}}
{{- end -}}
{{- with merge $annotations $daemon.podAnnotations -}}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end }}
