# shellcheck shell=bash
# Owns how much of the code the tests have to go through, in percent of lines.

coverage_service_min=85
coverage_core_min=95

# Tests, and programs beside the service.
coverage_beside='(^|/)(tests|examples|fuzz|harness|sandbox|shop)/'
# What of the service is neither domain nor application.
coverage_edges='/src/(adapters|bin|bootstrap|config|presentation)/|/src/[^/]+\.rs$'

# A report is of these alone; without them it would leave out what is a package in place.
coverage_packages=(--package payflow --package payflow-domain --package payflow-application)

# Which packages' tests are run; all, unless somebody tries the script out.
read -r -a coverage_of <<<"${PAYFLOW_COVERAGE_OF:---workspace}"

# Arguments: what is measured, how much of it, and which files are not it.
coverage_is_enough() {
  local said result=0
  said=$(cargo llvm-cov report --summary-only "${coverage_packages[@]}" \
    --fail-under-lines "$2" --ignore-filename-regex "$3") || result=$?
  [ "$(awk '$1 == "TOTAL" { print $8 }' <<<"$said")" -gt 0 ] || result=1
  say "$1: $(awk '$1 == "TOTAL" { print $10 }' <<<"$said") of lines, at least $2 %"
  return "$result"
}

coverage_well=0
# A test that fails is told below all the same: what the others go through is known by then.
cargo llvm-cov nextest --no-report --locked --profile ci "${coverage_of[@]}" || coverage_well=1
coverage_is_enough "the service" "$coverage_service_min" "$coverage_beside" || coverage_well=1
coverage_is_enough "domain and application" "$coverage_core_min" \
  "$coverage_beside|$coverage_edges" || coverage_well=1
if [ -n "${coverage_file:-}" ]; then
  mkdir -p "$(dirname "$coverage_file")"
  cargo llvm-cov report --lcov "${coverage_packages[@]}" \
    --ignore-filename-regex "$coverage_beside" --output-path "$coverage_file"
fi
[ "$coverage_well" -eq 0 ]
