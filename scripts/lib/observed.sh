# shellcheck shell=bash
# Owns the checks of what operators look at: alert rules and their cases, runbooks, dashboards; and
# that a live service, scraped by a real Prometheus, has an answer to every expression of them.

: "${run_dir:?}"
: "${observed_tools:?}"

observed_folder=$run_dir/observed
observed_lib=scripts/lib/observed
observed_rules=prometheus/rules/payflow.yaml
observed_cases=prometheus/tests/payflow.yaml
observed_servers=()
mkdir -p "$observed_folder"
cargo build --locked --quiet --bin payflow
observed_payflow=$(realpath "${CARGO_TARGET_DIR:-target}")/debug/payflow

observed_facts() {
  python3 "$observed_lib/facts.py" "$@"
}

# Says what a program said only where it fails. Arguments: the program and its arguments.
observed_quietly() {
  "$@" >"$observed_folder/said" 2>&1 || { cat "$observed_folder/said" >&2; return 1; }
}

rules_are_rules() {
  observed_quietly "$observed_tools/bin/promtool" check rules "$observed_rules"
  observed_quietly "$observed_tools/bin/promtool" check config prometheus/prometheus.yml
}

rules_do_what_their_cases_say() {
  observed_quietly "$observed_tools/bin/promtool" test rules "$observed_cases"
}

# Rules that never fire, and rules that always do: every case of every alert must notice.
cases_can_fail() {
  local folder=$observed_folder/broken name case expression
  rm -rf "$folder"
  mkdir -p "$folder/rules" "$folder/tests"
  cp "$observed_cases" "$folder/tests/"
  while read -r case expression; do
    sed -n 's/^ *- alert: //p' "$observed_rules" >"$folder/names"
    [ "$(wc -l <"$folder/names")" -gt 15 ]
    observed_facts broken "$expression" >"$folder/rules/payflow.yaml"
    "$observed_tools/bin/promtool" test rules "$folder/tests/payflow.yaml" \
      >"$observed_folder/said" 2>&1 && return 1
    while read -r name; do
      grep -q "name: $name ${case//_/ }," "$observed_folder/said" ||
        { say "no case notices that $name is wrong: ${case//_/ }"; return 1; }
    done <"$folder/names"
  done <<'TABLE'
fires vector(0) > 1
does_not_fire vector(1)
TABLE
}

alerts_have_pages() {
  observed_facts alerts "$observed_payflow"
}

every_metric_is_on_a_dashboard() {
  observed_facts dashboards
}

# Argument: a folder of dashboards.
dashboards_fit_in() {
  local folder=$observed_folder/types file
  rm -rf "$folder"
  mkdir -p "$folder"
  ln -s "$observed_tools/node_modules" "$folder/node_modules"
  cp "$observed_lib/plain.ts" "$folder/"
  for file in "$1"/*.json; do
    {
      echo "import type { Dashboard } from" \
        "'./node_modules/@grafana/schema/dist/types/raw/dashboard/x/types.gen';"
      echo "import type { Plain } from './plain';"
      echo "export const dashboard: Plain<Dashboard> ="
      cat "$file"
    } >"$folder/$(basename "$file" .json).ts"
  done
  (
    cd "$folder"
    "$observed_tools/bin/node" node_modules/typescript/bin/tsc --strict --noEmit --skipLibCheck \
      --moduleResolution bundler --module esnext --target es2022 ./*.ts
  )
}

dashboards_fit_the_schema() {
  observed_quietly dashboards_fit_in grafana/dashboards
}

# One wrong word each.
dashboards_can_fail_to_fit() {
  local broken=$observed_folder/wrong word
  for word in gridPos/gridPosition '"mode": "absolute"/"mode": "relative"' \
    '"schemaVersion": 39/"schemaVersion": "39"'; do
    rm -rf "$broken"
    cp -r grafana/dashboards "$broken"
    sed -i "s/${word%%/*}/${word#*/}/" "$broken/billing.json"
    ! dashboards_fit_in "$broken" >"$observed_folder/said" 2>&1 || { say "$word"; return 1; }
  done
}

# Arguments: a name, and the program with its arguments; runs until the checks are over.
observed_start() {
  local name=$1
  shift
  "$@" >"$observed_folder/$name.log" 2>&1 &
  observed_servers+=($!)
}

observed_stop() {
  local server
  for server in "${observed_servers[@]}"; do
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  done
  observed_servers=()
}

observed_port() {
  python3 -c 'import socket
with socket.socket() as one:
    one.bind(("127.0.0.1", 0))
    print(one.getsockname()[1])'
}

# Arguments: what is waited for, and a command that succeeds then.
observed_until() {
  local what=$1
  shift
  for _ in {1..300}; do
    ! "$@" >/dev/null 2>&1 || return 0
    sleep 0.2
  done
  say "no $what"
  tail -n 20 "$observed_folder"/*.log >&2
  return 1
}

# With all that it can use, and with what users do to it.
observed_serve() {
  local redis broker
  redis=$(observed_port)
  broker=$(observed_port)
  observed_start redis "$PAYFLOW_TEST_REDIS" --port "$redis" --bind 127.0.0.1 --save "" \
    --appendonly no
  observed_start broker "$PAYFLOW_TEST_KAFKA" broker --storage-engine memory://tansu/ \
    --listener-url "tcp://127.0.0.1:$broker" \
    --advertised-listener-url "tcp://127.0.0.1:$broker"
  observed_until Redis bash -c "echo >/dev/tcp/127.0.0.1/$redis"
  observed_until broker bash -c "echo >/dev/tcp/127.0.0.1/$broker"
  mkdir -p "$observed_folder/service"
  observed_start service env --chdir="$observed_folder/service" \
    REDIS_URL="redis://127.0.0.1:$redis" \
    KAFKA_BROKERS="127.0.0.1:$broker" PAYFLOW_KAFKA__SESSION_TIMEOUT=1s \
    PAYFLOW_SERVER__LISTEN=127.0.0.1:0 PAYFLOW_SANDBOX__LISTEN=127.0.0.1:0 \
    PAYFLOW_METRICS__LISTEN=127.0.0.1:0 PAYFLOW_SHOP__ENABLED=false \
    PAYFLOW_LOG__FORMAT=json PAYFLOW_WEBHOOKS__EXEMPT='["127.0.0.0/8"]' "$observed_payflow"
  KEYS=$observed_folder/service/data/dev-keys.json
  export KEYS
  observed_until service grep -q '"payflowUrl": "http' "$KEYS"
  (
    cd "$observed_folder/service"
    KAFKA_BROKERS=127.0.0.1:$broker "$observed_payflow" migrate
  ) >"$observed_folder/migrate.log" 2>&1
}

# Argument: the port that it is to listen on.
observed_scrape() {
  local target
  target=$(jq -er .metricsUrl "$KEYS")
  target=${target#http://}
  cat >"$observed_folder/prometheus.yml" <<YAML
global: {scrape_interval: 1s, evaluation_interval: 5s}
rule_files: ["$PWD/$observed_rules"]
scrape_configs:
  - job_name: payflow
    static_configs: [{targets: ["${target%/metrics}"]}]
YAML
  observed_start prometheus "$observed_tools/bin/prometheus" \
    --config.file="$observed_folder/prometheus.yml" \
    --storage.tsdb.path="$observed_folder/series" --web.listen-address="127.0.0.1:$1"
  observed_until Prometheus curl --silent --fail "http://127.0.0.1:$1/-/ready"
}

# An empty panel is one that nobody notices when it matters.
every_expression_has_an_answer() {
  local port metrics
  trap observed_stop EXIT
  observed_serve
  port=$(observed_port)
  observed_scrape "$port"
  observed_quietly bash requests/run.sh
  # What the first traffic made appear has to grow to have a rate.
  observed_quietly bash requests/run.sh
  sleep 7
  metrics=$(jq -er .metricsUrl "$KEYS")
  observed_facts live "$metrics"
  curl --silent --fail "$metrics" | observed_quietly "$observed_tools/bin/promtool" check metrics
  observed_facts answered "http://127.0.0.1:$port"
  stuck_payment_is_found "http://127.0.0.1:$port"
}

# By way of docs/runbooks/PayflowUnknownTooLong.md, from the alert to the saga and its trace.
# Minutes are skipped where they can be; `payflow stuck` goes by this machine's clock.
# Argument: Prometheus.
stuck_payment_is_found() {
  local result=0
  set +e
  (
    set -e
    stuck_payment "$1"
  ) >"$observed_folder/stuck.log" 2>&1
  result=$?
  set -e
  [ "$result" -eq 0 ] || cat "$observed_folder/stuck.log" >&2
  return "$result"
}

# Argument: a payment. Leaves its line in the file `line`.
lists_as_stuck() {
  (
    cd "$observed_folder/service"
    PAYFLOW_TIMINGS__STUCK_AFTER=9s "$observed_payflow" stuck 2>/dev/null
  ) | jq --compact-output "select(.paymentId == \"$1\")" >"$observed_folder/line"
  [ -s "$observed_folder/line" ]
}

stuck_payment() {
  # shellcheck source=requests/lib.sh
  source requests/lib.sh
  prepare 15000
  authenticate
  sandbox POST /_sandbox/faults "{\"operation\":\"any\",\"orderId\":\"$GATEWAY_ORDER\",
    \"times\":null,\"fault\":{\"type\":\"dropBefore\"}}"
  expect 200 "the gateway will not answer about it"
  approve "$(unique key)"
  expect 202 "nobody knows what became of it"
  local answered
  answered=$(pick .traceId)
  sandbox POST /_sandbox/clock '{"advanceSeconds":660}'
  expect 200 "eleven minutes later"
  observed_until "alert" observed_facts holds "$1" PayflowUnknownTooLong APPROVAL
  observed_facts shows "$1" 'Age of the oldest' APPROVAL
  local line trace saga
  # It is listed once it is nine seconds old, however fast the alert was.
  observed_until "line about it" lists_as_stuck "$PAYMENT"
  line=$(<"$observed_folder/line")
  trace=$(jq -er .traceId <<<"$line")
  saga=$(jq -er .sagaId <<<"$line")
  [[ $trace == "$answered" ]]
  [[ $(jq -r .gatewayOrderId <<<"$line") == "$GATEWAY_ORDER" ]]
  grep "$trace" "$observed_folder/service.log" >"$observed_folder/trace.log"
  grep -q 'gateway' "$observed_folder/trace.log"
  grep -q '"answered"' "$observed_folder/trace.log"
  # The line of the trace that tells of a call names the saga, and the gateway was told the trace.
  grep 'gateway' "$observed_folder/trace.log" | grep -q "$saga"
  sandbox GET "/_sandbox/calls?orderId=$GATEWAY_ORDER"
  expect 200 "the gateway has heard the calls"
  same "all(.calls[]; .traceparent | startswith(\"00-$trace-\"))" true
}

observed_checks=(
  rules_are_rules
  rules_do_what_their_cases_say
  cases_can_fail
  alerts_have_pages
  every_metric_is_on_a_dashboard
  dashboards_fit_the_schema
  dashboards_can_fail_to_fit
  every_expression_has_an_answer
)
observed_well=0
for observed_check in "${observed_checks[@]}"; do
  # In a shell of its own: errexit counts in a function only where nobody asks how it ended.
  observed_result=0
  set +e
  (
    set -e
    "$observed_check"
  )
  observed_result=$?
  set -e
  if [ "$observed_result" -eq 0 ]; then
    observed_well=$((observed_well + 1))
  else
    say "FAILED: $observed_check"
  fi
done
say "observed: $observed_well of ${#observed_checks[@]} hold"
[ "$observed_well" -eq "${#observed_checks[@]}" ]
