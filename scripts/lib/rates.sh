# shellcheck shell=bash
# Owns what is judged by the clock: an optimised build, one figure after the other, nothing beside
# it. Each goes on after one that was not met.

: "${PAYFLOW_TEST_POSTGRES_URL:?}"
: "${PAYFLOW_TEST_KAFKA:?}"

cargo build --locked --quiet --release --package toss-sandbox --package payflow-harness
cargo build --locked --quiet --release --bin payflow
rates_built=$(realpath "${CARGO_TARGET_DIR:-target}")/release

# The table: command of the harness, databases, its arguments. Those of `bus` get the broker, too,
# and `lean` what assembles the root folder of an image.
RATES=(
  "bus      | postgres | --events 100000 --events-per-second 0"
  "bus      | postgres | --events 2000 --events-per-second 500 --seconds 10"
  "bus      | postgres | --approvals 10 --clients 4 --seconds 2"
  "webhooks | both     | --events 10000"
  "hooks    | both     | --lies 10000 --payments 20"
  "overload | both     | --seconds 60"
  "overload | both     | --seconds 60 --calls-max 256 --latency-ms 50"
  "lean     | sqlite   | --embedded"
  "lean     | postgres | --starts 7"
)

rate_it() {
  local kind=$1 database=$2 begun=$SECONDS result=0 arguments
  read -r -a arguments <<<"$3"
  case "$kind" in
    bus) arguments+=(--judge-rates --broker "$PAYFLOW_TEST_KAFKA") ;;
    lean) arguments+=(--judge --image-root scripts/lib/image-root.sh) ;;
    *) arguments+=(--judge-rates) ;;
  esac
  "$rates_built/harness" "$kind" --service "$rates_built/payflow" \
    --sandbox "$rates_built/toss-sandbox" --database "$database" "${arguments[@]}" || result=$?
  say "rates $kind on ${database%%:*}: $((SECONDS - begun)) s"
  return "$result"
}

well=0
for row in "${RATES[@]}"; do
  IFS='|' read -r kind databases told <<<"${row// | /|}"
  kind=${kind// /} databases=${databases// /}
  [ "$databases" = sqlite ] || rate_it "$kind" "$PAYFLOW_TEST_POSTGRES_URL" "$told" || well=1
  [ "$databases" = postgres ] || rate_it "$kind" sqlite "$told" || well=1
done
[ "$well" -eq 0 ]
