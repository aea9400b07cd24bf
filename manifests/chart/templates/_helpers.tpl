{{/* What every object of the chart is labelled with. */}}
{{- define "sluice.labels" -}}
app.kubernetes.io/part-of: sluice
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* The webhook serves one revision; its objects are named after it, as istiod's are. */}}
{{- define "sluice.suffix" -}}
{{- if ne .Values.revision "default" }}-{{ .Values.revision }}{{ end }}
{{- end }}

{{- define "sluice.webhook" -}}
sluice-webhook{{ include "sluice.suffix" . }}
{{- end }}

{{/* Does this release bring what all revisions share? true or false */}}
{{- define "sluice.shared" -}}
{{- if kindIs "bool" .Values.shared }}{{ .Values.shared }}{{ else }}{{ eq .Values.revision "default" }}{{ end }}
{{- end }}

{{/* Does it bring the agents? true or false */}}
{{- define "sluice.agent" -}}
{{ and .Values.cni.enabled (eq (include "sluice.shared" .) "true") }}
{{- end }}

{{/* On the node's network 15014 is the agent's. */}}
{{- define "sluice.webhook.metrics" -}}
{{ ternary 15016 15014 .Values.webhook.hostNetwork }}
{{- end }}

{{- define "sluice.webhook.selector" -}}
app.kubernetes.io/name: sluice-webhook
sluice-mesh.io/serves: {{ .Values.revision | quote }}
{{- end }}

{{- define "sluice.agent.selector" -}}
app.kubernetes.io/name: sluice-agent
{{- end }}

{{/* Agents need a privileged namespace, the webhook does not: each may have its own. */}}
{{- define "sluice.agentNamespace" -}}
{{ .Values.cni.namespace | default .Release.Namespace }}
{{- end }}

{{/* No mode of any mesh for Sluice's own pods: what admits pods must not depend on what it admits. */}}
{{- define "sluice.unmeshed" -}}
sidecar.istio.io/inject: "false"
istio.io/dataplane-mode: none
{{- end }}

{{- define "sluice.image" -}}
{{- with .Values.global }}
{{- if .digest }}{{ .hub }}/{{ .image }}@{{ .digest }}
{{- else }}{{ .hub }}/{{ .image }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{- define "sluice.pullSecrets" -}}
{{- with .Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Paths of the platform; what the values say wins. */}}
{{- define "sluice.paths" -}}
{{- $platforms := .Files.Get "files/platforms.json" | fromJson }}
{{- $platform := .Values.global.platform | default "default" }}
{{- if not (hasKey $platforms $platform) }}
{{- fail (printf "global.platform is %q; it must be one of %s" $platform (keys $platforms | sortAlpha | join ", ")) }}
{{- end }}
{{- $paths := get $platforms $platform }}
{{- dict
  "bin" (.Values.cni.cniBinDir | default $paths.binDir)
  "conf" (.Values.cni.cniConfDir | default $paths.confDir)
  "netns" (.Values.cni.cniNetnsDir | default $paths.netnsDir)
  "mode" (include "sluice.confMode" . | default $paths.placement) | toJson }}
{{- end }}

{{/* How the entry gets to the runtime, where the values say it. */}}
{{- define "sluice.confMode" -}}
{{- $alone := and (kindIs "bool" .Values.cni.chained) (not .Values.cni.chained) }}
{{- if and .Values.cni.istioOwnedCNIConfig $alone }}
{{- fail "cni.istioOwnedCNIConfig makes a copy with the entry chained; it cannot go with cni.chained=false" }}
{{- end }}
{{- if .Values.cni.istioOwnedCNIConfig }}owned{{ else if $alone }}standalone{{ else if .Values.cni.chained }}chained{{ end }}
{{- end }}

{{/* The policy as Sluice reads it: what the profile says, and over it what the values say. */}}
{{- define "sluice.policy" -}}
{{- $strict := dict "netAdmin" (dict "default" "deny") "optOut" (dict "default" "deny") }}
{{- $said := deepCopy .Values.policy }}
{{- with include "sluice.enablement" . | fromJsonArray }}{{ $_ := set $said "ambientEnablement" . }}{{ end }}
{{- if eq .Values.profile "strict" }}{{ mergeOverwrite $strict $said | toYaml }}
{{- else }}{{ $said | toYaml }}{{ end }}
{{- end }}

{{- /* who is for ambient: webhook and agents are told the same, under Istio's name or the policy's */}}
{{- define "sluice.enablement" -}}
{{- $policy := .Values.policy.ambientEnablement | default list }}
{{- $istio := .Values.cni.ambient.enablementSelectors }}
{{- if and $policy $istio (ne (toJson $policy) (toJson $istio)) }}
{{- fail "policy.ambientEnablement and cni.ambient.enablementSelectors are one setting: set one of them, or both alike" }}
{{- end }}
{{- $policy | default $istio | toJson }}
{{- end }}
