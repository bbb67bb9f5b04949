{{/* Names are those of deploy/template, whatever the release is called: a cluster has one cloud controller manager. */}}

{{- define "ccm.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Not the release: what a Deployment selects can never change, and so one of deploy/template can be taken over. */}}
{{- define "ccm.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
{{- end }}

{{- define "ccm.secret" -}}
{{- .Values.credentials.existingSecret | default (printf "%s-config" .Chart.Name) }}
{{- end }}

{{- define "ccm.subject" -}}
- kind: ServiceAccount
  name: {{ .Values.serviceAccount.name }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{/* The Lease, as an object of JSON: its Role has to name it, so what extraArgs say of it counts, the last mention of all. */}}
{{- define "ccm.lease" -}}
{{- $lease := dict "name" "cloud-controller-manager" "namespace" "kube-system" }}
{{- range $argument := .Values.extraArgs }}
{{- range $part := list "name" "namespace" }}
{{- $flag := printf "--leader-elect-resource-%s=" $part }}
{{- if hasPrefix $flag $argument }}{{ $_ := set $lease $part (trimPrefix $flag $argument) }}{{ end }}
{{- end }}
{{- end }}
{{- toJson $lease }}
{{- end }}

{{/* What of the settings takes effect live, as an object of JSON without what is left to the program. */}}
{{- define "ccm.liveSettings" -}}
{{- $live := dict }}
{{- range $group := list "rateLimit" "cache" "safety" }}
{{- $given := dict }}
{{- range $key, $value := index ($.Values.settings | default dict) $group }}
{{- if not (kindIs "invalid" $value) }}{{ $_ := set $given $key $value }}{{ end }}
{{- end }}
{{- if $given }}{{ $_ := set $live $group $given }}{{ end }}
{{- end }}
{{- toJson $live }}
{{- end }}
