# shellcheck shell=bash
# Owns what the harness breaks, how often: a few of each kind within a full run, and the numbers of
# the long proof, which goes on where it was stopped. Both databases at once.
#
# Sourced with chaos_length=short (the default) or long; long needs chaos_folder, too.

: "${PAYFLOW_TEST_POSTGRES_URL:?}"
: "${PAYFLOW_TEST_REDIS:?}"

cargo build --locked --quiet --package toss-sandbox --package payflow-harness
# One after the other: the first must not lend its feature to the second.
cargo build --locked --quiet --bin payflow-crash --features crash-points
cargo build --locked --quiet --bin payflow
chaos_built=$(realpath "${CARGO_TARGET_DIR:-target}")/debug

# A gateway that is a little slow shows in the long run alone.
degrade_short=redis,broker,very-slow,refused,mute,database,disk

# The table: kind, databases, arguments of the short run, arguments of the long one; with "-" there
# is none.
CHAOS=(
  "storm  | both     | --rounds 20 --payments 20 | --rounds 100 --payments 100"
  "parts  | both     | --times 2                 | --seeds 3 --times 10"
  "crash  | both     | --seeds 1 --at-once 3     | --seeds 3 --at-once 3"
  "kill   | both     | --kills 8                 | --seeds 20 --kills 10"
  "freeze | both     | --freezes 3               | --seeds 30 --freezes 5"
  "wires  | both     | --seconds 5               | --seeds 5"
  "async  | postgres | --approvals 100 --per-second 10 | --seeds 3 --approvals 1000"
  "commit | postgres | --cuts 10                 | --seeds 25 --cuts 20"
  "server | postgres | --kills 3                 | --seeds 12 --kills 5"
  "bus    | postgres | --events-per-second 50 --seconds 3 | -"
  "held   | postgres | --events 1000             | --events 1000"
  "webhooks | postgres | --events 300            | -"
  "approvals | postgres | --approvals 1 --clients 2 --seconds 1 | -"
  "hooks  | both     | --lies 2000               | --lies 100000 --payments 500"
  "told   | both     | --seeds 1                 | --seeds 5"
  "billing | postgres | --seeds 1                | --seeds 20 --members 275 --kills 30"
  "billing | sqlite  | --members 12 --months 5   | --seeds 20 --members 275 --kills 30"
  "drain  | postgres | -                         | --members 275 --each 40"
  "downtime | both   | --outages 12              | --seeds 25 --outages 40"
  "charges | both    | --points 7                | --seeds 3"
  "picking | both    | --larger 20000 --rounds 1 --due 50 | --judge"
  "roles  | postgres | --times 1                 | --seeds 4 --times 4"
  "copies | postgres | --copies 2 --seconds 6 --every-seconds 1 | --seconds 300 --every-seconds 15"
  "rolling | postgres | --seeds 1                 | --seeds 10"
  "overload | both   | --seconds 5               | --seconds 60"
  "retries | both    | --payments 600 --away-seconds 5 | --payments 4000 --away-seconds 60"
  "redis  | postgres | --operations 500          | --seeds 5 --operations 2000"
  "degrade | postgres | --seconds 2 --divide-by 5 --troubles $degrade_short | --seconds 10"
  "degrade | sqlite  | --seconds 2 --divide-by 5 --troubles disk | --seconds 10"
)

# Every kind on one database, also after one has found something.
chaos_on() {
  local name=$1 database=$2 row kind databases short long well=0
  for row in "${CHAOS[@]}"; do
    IFS='|' read -r kind databases short long <<<"${row// | /|}"
    kind=${kind// /} databases=${databases// /}
    [ "$databases" = both ] || [ "$databases" = "$name" ] || continue
    if [ "${chaos_length:-short}" = long ]; then
      break_it "$kind" "$name" "$database" "$long" || well=1
    else
      break_it "$kind" "$name" "$database" "$short" || well=1
    fi
  done
  return "$well"
}

break_it() {
  local kind=$1 name=$2 database=$3 service=$chaos_built/payflow begun=$SECONDS result=0 arguments
  local command=(chaos "$kind")
  read -r -a arguments <<<"$4"
  [ "${arguments[0]}" != - ] || return 0
  case "$kind" in
    crash | told) service=$chaos_built/payflow-crash ;;
    charges)
      service=$chaos_built/payflow-crash
      arguments+=(--round-minutes 30)
      ;;
    redis) arguments+=(--redis "${PAYFLOW_TEST_REDIS:?}") ;;
    async | rolling) arguments+=(--broker "${PAYFLOW_TEST_KAFKA:?}") ;;
    copies)
      arguments+=(--broker "${PAYFLOW_TEST_KAFKA:?}")
      # Within the suite a busy machine is no finding.
      [ "${chaos_length:-short}" = short ] || arguments+=(--drained-seconds 30)
      ;;
    hooks | downtime | picking | webhooks | overload | retries) command=("$kind") ;;
    degrade)
      command=(degrade)
      arguments+=(--redis "${PAYFLOW_TEST_REDIS:?}" --broker "${PAYFLOW_TEST_KAFKA:?}")
      # Within the suite a busy machine is no finding.
      [ "${chaos_length:-short}" != short ] || arguments+=(--again-seconds 30)
      ;;
    held)
      command=(bus)
      arguments+=(--late --poison --broker "${PAYFLOW_TEST_KAFKA:?}")
      ;;
    billing)
      command=(billing)
      # One process, which waits for the disk at every commit.
      [ "$name" = postgres ] || arguments+=(--patience-seconds 1700 --round-minutes 30)
      ;;
    drain)
      command=(billing)
      arguments+=(--kills 0 --faults 0 --per-second 20 --judge-rate)
      arguments+=(--patience-seconds 3000 --round-minutes 60)
      ;;
    bus | approvals) command=(bus) arguments+=(--broker "${PAYFLOW_TEST_KAFKA:?}") ;;
    roles)
      service=$chaos_built/payflow-crash
      arguments+=(--broker "${PAYFLOW_TEST_KAFKA:?}")
      ;;
  esac
  if [ "${chaos_length:-short}" = long ] \
    && [[ "$kind" != @(storm|held|hooks|picking|overload|retries|degrade) ]]; then
    arguments+=(--state "${chaos_folder:?}/$kind-$name")
  fi
  "$chaos_built/harness" "${command[@]}" --service "$service" \
    --sandbox "$chaos_built/toss-sandbox" --database "$database" "${arguments[@]}" || result=$?
  say "chaos $kind on $name: $((SECONDS - begun)) s"
  return "$result"
}

chaos_on sqlite sqlite &
on_sqlite=$!
chaos_on postgres "$PAYFLOW_TEST_POSTGRES_URL" &
on_postgres=$!
# Both to their end, also where one of them fails.
well=0
wait "$on_sqlite" || well=1
wait "$on_postgres" || well=1
[ "$well" -eq 0 ]
