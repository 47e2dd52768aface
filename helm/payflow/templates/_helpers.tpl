{{- define "payflow.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "payflow.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "payflow.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "payflow.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "payflow.selector" -}}
app.kubernetes.io/name: {{ include "payflow.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "payflow.labels" -}}
{{ include "payflow.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: payflow
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "payflow.image" -}}
{{- with .Values.image }}
{{- if .digest }}
{{- printf "%s@%s" .repository .digest }}
{{- else }}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "payflow.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "payflow.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- /* The Secret that is read; empty where there is none. */}}
{{- define "payflow.secret" -}}
{{- if .Values.secrets.external.enabled }}
{{- printf "%s-secrets" (include "payflow.fullname" .) }}
{{- else }}
{{- .Values.secrets.existing }}
{{- end }}
{{- end }}

{{- /* What runs: a component for each role, or the one that does everything, with its settings. */}}
{{- define "payflow.components" -}}
{{- if eq .Values.topology "single" }}
all: {{ mergeOverwrite (deepCopy .Values.defaults) (deepCopy .Values.single) | toJson }}
{{- else }}
{{- range $role, $own := .Values.roles }}
{{- if ne (toString $own.enabled) "false" }}
{{ $role }}: {{ mergeOverwrite (deepCopy $.Values.defaults) (deepCopy $own) | toJson }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "payflow.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "payflow.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end }}

{{- /* One key of the Secret as a variable: name, key, root. */}}
{{- define "payflow.secretEnv" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ include "payflow.secret" .root }}
      key: {{ .key }}
{{- end }}

{{- /* What the service is told by its environment; the same for serving and migrating. */}}
{{- define "payflow.env" -}}
- name: PAYFLOW_CONFIG
  value: /etc/payflow/payflow.toml
- name: PAYFLOW_SERVER__LISTEN
  value: 0.0.0.0:8080
- name: PAYFLOW_METRICS__LISTEN
  value: 0.0.0.0:9464
- name: PAYFLOW_FILES__DIR
  value: /var/lib/payflow
- name: PAYFLOW_LOG__FORMAT
  value: {{ .Values.log.format }}
- name: PAYFLOW_LOG__FILTER
  value: {{ .Values.log.filter | quote }}
- name: PAYFLOW_TIMINGS__DRAIN
  value: {{ printf "%ds" (int .Values.drainSeconds) }}
{{- with .Values.trustedProxies }}
- name: PAYFLOW_SERVER__TRUSTED_PROXIES
  value: {{ toJson . | quote }}
{{- end }}
{{- if eq .Values.database.kind "sqlite" }}
- name: DATABASE_URL
  value: sqlite:///var/lib/payflow/payflow.db
- name: PAYFLOW_DATABASE__CREATE
  value: {{ .Values.database.create | quote }}
{{- else }}
{{ include "payflow.secretEnv" (dict "root" . "name" "DATABASE_URL" "key" .Values.secrets.keys.databaseUrl) }}
{{- end }}
{{- if .Values.kafka.brokers }}
- name: KAFKA_BROKERS
  value: {{ .Values.kafka.brokers | quote }}
{{- end }}
{{- end }}

{{- /* How the broker knows who speaks with it: those that do. */}}
{{- define "payflow.brokerEnv" -}}
{{- if .Values.kafka.brokers }}
{{- with .Values.secrets.keys.kafkaProperties }}
{{ include "payflow.secretEnv" (dict "root" $ "name" "PAYFLOW_KAFKA__PROPERTIES" "key" .) }}
{{- end }}
{{- end }}
{{- end }}

{{- /* What only serving takes: the gateway, the master keys, what copies share. */}}
{{- define "payflow.servingEnv" -}}
{{- if and .Values.migration.enabled (eq .Values.database.kind "postgres") }}
- name: PAYFLOW_DATABASE__MIGRATE
  value: "false"
{{- end }}
{{- if include "payflow.secret" . }}
{{ include "payflow.secretEnv" (dict "root" . "name" "TOSS_SECRET_KEY" "key" .Values.secrets.keys.tossSecretKey) }}
{{ include "payflow.secretEnv" (dict "root" . "name" "TOSS_CLIENT_KEY" "key" .Values.secrets.keys.tossClientKey) }}
{{- if .Values.secrets.keys.masterKeys }}
- name: PAYFLOW_VAULT__MASTER_KEY_FILE
  value: /etc/payflow-secrets/master.key
{{- end }}
{{- if .Values.redis.enabled }}
{{ include "payflow.secretEnv" (dict "root" . "name" "REDIS_URL" "key" .Values.secrets.keys.redisUrl) }}
{{- end }}
{{- end }}
{{- end }}
