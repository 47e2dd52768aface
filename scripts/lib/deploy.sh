# shellcheck shell=bash
# Owns the checks of how the service is installed: chart, Argo CD application, compose file, units,
# Containerfile and workflows. What the schemas and linters of others cannot know is in
# scripts/lib/deploy/facts.py.

: "${run_dir:?}"
: "${deploy_tools:?}"

deploy_bin=$deploy_tools/bin
deploy_folder=$run_dir/deploy
deploy_lib=scripts/lib/deploy
deploy_chart=helm/payflow
deploy_helms=(helm-3 helm-4)
deploy_values=(minimal development production)
# The oldest that the chart takes, and the newest that there are schemas of.
deploy_kubernetes=(1.30 1.34 1.37)
mkdir -p "$deploy_folder"

# Says what a program said only where it fails. Arguments: the program and its arguments.
deploy_quietly() {
  "$@" >"$deploy_folder/said" 2>&1 || { cat "$deploy_folder/said" >&2; return 1; }
}

# Arguments: which helm, and the rest of `helm template`.
deploy_render() {
  local helm=$1
  shift
  "$deploy_bin/$helm" template payflow "$deploy_chart" --namespace payments \
    --kube-version "${deploy_kubernetes[0]}" "$@"
}

chart_renders() {
  local helm values file
  for helm in "${deploy_helms[@]}"; do
    mkdir -p "$deploy_folder/$helm"
    for values in "${deploy_values[@]}"; do
      file=$deploy_chart/ci/$values-values.yaml
      deploy_quietly "$deploy_bin/$helm" lint --strict "$deploy_chart" --values "$file"
      deploy_render "$helm" --values "$file" >"$deploy_folder/$helm/$values.yaml" \
        2>"$deploy_folder/said" || { cat "$deploy_folder/said" >&2; return 1; }
    done
  done
}

# They part documents by another number of empty lines.
chart_is_the_same_with_both_helms() {
  local values
  for values in "${deploy_values[@]}"; do
    diff -B "$deploy_folder/helm-3/$values.yaml" "$deploy_folder/helm-4/$values.yaml"
  done
}

chart_fits_the_schemas() {
  local version
  for version in "${deploy_kubernetes[@]}"; do
    deploy_quietly "$deploy_bin/kubernetes-validate" --kubernetes-version "$version" --strict \
      --no-warn --quiet "$deploy_folder"/helm-4/*.yaml
  done
  deploy_facts custom "$deploy_folder"/helm-4/*.yaml helm/argocd/*.yaml
}

# A check that finds nothing must be able to: one wrong word in each.
chart_schemas_can_fail() {
  local broken=$deploy_folder/broken.yaml word
  for word in replicas:/replica: runAsNonRoot:/runAsNotRoot: podSelector:/podsSelector:; do
    sed "s/${word%/*}/${word#*/}/" "$deploy_folder/helm-4/production.yaml" >"$broken"
    ! "$deploy_bin/kubernetes-validate" --kubernetes-version "${deploy_kubernetes[0]}" --strict \
      --no-warn --quiet "$broken" >"$deploy_folder/said" 2>&1 || { say "$word"; return 1; }
  done
  for word in podTargetLabels:/podTargetLabel: creationPolicy:/createPolicy:; do
    sed "s/${word%/*}/${word#*/}/" "$deploy_folder/helm-4/production.yaml" >"$broken"
    ! deploy_facts custom "$broken" >"$deploy_folder/said" 2>&1 || { say "$word"; return 1; }
  done
}

chart_has_no_finding() {
  chart_linter_finds_nothing_in "$deploy_folder/helm-4"
}

# Argument: a folder.
chart_linter_finds_nothing_in() {
  deploy_quietly "$deploy_bin/checkov" --directory "$1" --framework kubernetes \
    --config-file "$deploy_lib/checkov.yaml" --skip-download --compact --quiet
}

chart_says_what_it_must() {
  deploy_facts chart "$deploy_folder/helm-4"
}

# One wrong word in each: what we ask ourselves, and what the linter asks.
chart_facts_can_fail() {
  local broken=$deploy_folder/wrong word
  while read -r word; do
    rm -rf "$broken"
    cp -r "$deploy_folder/helm-4" "$broken"
    sed -i "s/${word%%=>*}/${word#*=>}/" "$broken"/*.yaml
    ! deploy_facts chart "$broken" >"$deploy_folder/said" 2>&1 || { say "$word"; return 1; }
  done <<'TABLE'
terminationGracePeriodSeconds: 35=>terminationGracePeriodSeconds: 34
--role=worker=>--role=api
maxUnavailable: 0=>maxUnavailable: 1
path: \/health\/live=>path: \/health\/alive
PAYFLOW_LOG__FILTER=>PAYFLOW_LOG__FILTERS
readOnlyRootFilesystem: true=>readOnlyRootFilesystem: false
hook-weight: "-10"=>hook-weight: "10"
port: 9093=>port: 9092
type: Recreate=>type: RollingUpdate
TABLE
  rm -rf "$broken"
  mkdir "$broken"
  sed 's/drop: \[ALL\]/add: [ALL]/' "$deploy_folder/helm-4/minimal.yaml" >"$broken/one.yaml"
  ! chart_linter_finds_nothing_in "$broken" 2>/dev/null
}

# Arguments: what is checked, and the rest of facts.py.
deploy_facts() {
  "$deploy_bin/python" "$deploy_lib/facts.py" "$@"
}

# Each line: what has to be named by the refusal, and settings that must be refused, on top of the
# production values.
chart_refuses() {
  local helm named settings setting set
  while IFS='|' read -r named settings; do
    set=()
    for setting in $settings; do set+=(--set "$setting"); done
    for helm in "${deploy_helms[@]}"; do
      if deploy_render "$helm" --values "$deploy_chart/ci/production-values.yaml" "${set[@]}" \
        >"$deploy_folder/said" 2>&1; then
        say "$helm takes $settings"
        return 1
      fi
      grep -qF -- "$named" "$deploy_folder/said" ||
        { say "$helm does not name $named:"; tail -n 5 "$deploy_folder/said"; return 1; }
    done
  done <<'TABLE'
topology|topology=cluster
replica|replica=3
repository|image.repository=
tag|image.tag=latest
digest|image.digest=sha256:123
kind|database.kind=mysql
kind|database.kind=sqlite
secrets|secrets.external.enabled=false
masterKeys|secrets.keys.masterKeys=
name|secrets.external.store.name=
remoteKey|secrets.external.remoteKey=
existing|secrets.existing=Not_A_Name
brokers|kafka.brokers=kafka-0
drainSeconds|drainSeconds=8
drainSeconds|drainSeconds=65
preStopSeconds|preStopSeconds=-1
trustedProxies|trustedProxies[0]=0.0.0.0/0
format|log.format=xml
replicas|roles.worker.replicas=0
replicas|roles.worker.replicas=two
enabled|roles.sequencer.enabled=false
painter|roles.painter.replicas=1
replicas|topology=single single.replicas=2
enabled|topology=single single.autoscaling.enabled=true
maxUnavailable|defaults.disruption.maxUnavailable=0
tlsSecret|ingress.tlsSecret=
ports|networkPolicy.database.ports[0]=0
size|persistence.size=8
interval|metrics.serviceMonitor.interval=15
TABLE
}

chart_takes_no_older_kubernetes() {
  local helm
  for helm in "${deploy_helms[@]}"; do
    ! deploy_render "$helm" --values "$deploy_chart/ci/production-values.yaml" \
      --kube-version 1.29 >"$deploy_folder/said" 2>&1 || return 1
    grep -q 'incompatible with Kubernetes' "$deploy_folder/said"
  done
}

# Rules and dashboards lie beside the chart, and are in it: also with what no template may touch.
chart_brings_rules_and_dashboards() {
  local copy=$deploy_folder/copy helm
  cp -rL "$deploy_chart" "$copy"
  mkdir -p "$copy/prometheus/rules" "$copy/grafana/dashboards"
  cp "$deploy_lib/example-rules.yaml" "$copy/prometheus/rules/example.yaml"
  echo '{"title":"{{ instance }}"}' >"$copy/grafana/dashboards/example.json"
  for helm in "${deploy_helms[@]}"; do
    "$deploy_bin/$helm" template payflow "$copy" --namespace payments \
      --values "$copy/ci/production-values.yaml" >"$copy.yaml" 2>"$deploy_folder/said"
    deploy_facts custom "$copy.yaml"
    deploy_facts beside "$copy.yaml" "$copy"
  done
}

chart_is_packed() {
  local copy=$deploy_folder/packed helm listed
  cp -rL "$deploy_chart" "$copy"
  for helm in "${deploy_helms[@]}"; do
    deploy_quietly "$deploy_bin/$helm" package "$copy" --destination "$deploy_folder/$helm"
    listed=$(tar tzf "$deploy_folder/$helm"/payflow-*.tgz)
    grep -qx payflow/values.schema.json <<<"$listed"
    ! grep -E '^payflow/(ci|grafana/provisioning)/' <<<"$listed" || return 1
  done
}

# Argo CD renders the chart with values of its own.
argo_cd_can_render() {
  deploy_facts argo helm/argocd/payflow.yaml >"$deploy_folder/argo-values.yaml"
  deploy_render helm-3 --values "$deploy_folder/argo-values.yaml" >"$deploy_folder/argo.yaml" \
    2>"$deploy_folder/said" || { cat "$deploy_folder/said" >&2; return 1; }
}

yaml_is_tidy() {
  local files
  mapfile -t files < <(find .github compose.yaml grafana prometheus helm "$deploy_lib" \
    "$deploy_folder/helm-4" \( -name '*.yaml' -o -name '*.yml' \) -not -path '*/templates/*')
  "$deploy_bin/yamllint" --strict --config-file "$deploy_lib/yamllint.yaml" "${files[@]}"
}

compose_fits_its_schema() {
  deploy_quietly "$deploy_bin/check-jsonschema" --builtin-schema vendor.compose-spec compose.yaml
  deploy_facts compose compose.yaml
}

containerfile_has_no_finding() {
  "$deploy_bin/hadolint" --failure-threshold style Containerfile
  deploy_quietly "$deploy_bin/checkov" --file Containerfile --framework dockerfile \
    --config-file "$deploy_lib/checkov.yaml" --skip-download --compact --quiet
  deploy_facts container Containerfile
}

# Of units whose program and papers are not installed here.
units_are_verified() {
  local folder=$deploy_folder/units unit
  mkdir -p "$folder"
  for unit in systemd/*.service; do
    sed 's|/usr/bin/payflow|/bin/true|; /^Documentation=/d' "$unit" >"$folder/${unit##*/}"
  done
  cp "$folder/payflow@.service" "$folder/payflow@api.service"
  systemd-analyze verify "$folder/payflow.service" "$folder/payflow@api.service" \
    >"$deploy_folder/said" 2>&1 && [ ! -s "$deploy_folder/said" ] ||
    { cat "$deploy_folder/said" >&2; return 1; }
  for unit in payflow payflow@api; do
    deploy_quietly systemd-analyze security --offline=yes --threshold=15 "$folder/$unit.service"
  done
  deploy_facts units systemd
}

workflows_have_no_finding() {
  "$deploy_bin/actionlint" -no-color .github/workflows/*.yml
  deploy_quietly "$deploy_bin/check-jsonschema" --builtin-schema vendor.github-workflows \
    .github/workflows/*.yml
  deploy_facts workflows .github/workflows
}

deploy_checks=(
  chart_renders
  chart_is_the_same_with_both_helms
  chart_fits_the_schemas
  chart_schemas_can_fail
  chart_has_no_finding
  chart_says_what_it_must
  chart_facts_can_fail
  chart_refuses
  chart_takes_no_older_kubernetes
  chart_brings_rules_and_dashboards
  chart_is_packed
  argo_cd_can_render
  yaml_is_tidy
  compose_fits_its_schema
  containerfile_has_no_finding
  units_are_verified
  workflows_have_no_finding
)
deploy_well=0
for deploy_check in "${deploy_checks[@]}"; do
  # In a shell of its own: errexit counts in a function only where nobody asks how it ended.
  deploy_result=0
  set +e
  (
    set -e
    "$deploy_check"
  )
  deploy_result=$?
  set -e
  if [ "$deploy_result" -eq 0 ]; then
    deploy_well=$((deploy_well + 1))
  else
    say "FAILED: $deploy_check"
  fi
done
say "deployment: $deploy_well of ${#deploy_checks[@]} hold"
[ "$deploy_well" -eq "${#deploy_checks[@]}" ]
