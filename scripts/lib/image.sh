# shellcheck shell=bash
# Owns what is asked of an image, without an engine that would build one: its root folder is
# assembled as the Containerfile does it, looked through, measured, and run in, read-only.

: "${run_dir:?}"

image_root=$run_dir/image
image_targets=$(realpath "${CARGO_TARGET_DIR:-target}")
image_profile=${PAYFLOW_TEST_RELEASE_PROFILE:-bare}
image_program=$image_targets/$image_profile/payflow
# Those of the image, TLS to the broker among them.
image_features=$(sed -n 's/^ARG FEATURES=//p' Containerfile)
# The step release has built it, if this is a whole run.
cargo build --locked --quiet --profile "$image_profile" --package payflow \
  --no-default-features --features "$image_features" --bin payflow
bash scripts/lib/image-root.sh "$image_program" "$image_root"

# Everything but the program, in bytes; OpenSSL, which the broker's TLS takes, is among it.
image_rest_max=$((16 * 1024 * 1024))

# What may be in it. A library that nobody has thought of is one that somebody has to.
image_holds_what_it_may() {
  local path found=0 well=0
  while read -r path; do
    found=$((found + 1))
    case "$path" in
      /etc/group | /etc/nsswitch.conf | /etc/passwd | /etc/ssl/certs/ca-certificates.crt) ;;
      /usr/bin/payflow | /usr/share/licenses/payflow/LICENSE) ;;
      /lib*/ld-linux*.so.*) ;;
      /lib/*/libc.so.* | /lib/*/libm.so.* | /lib/*/libgcc_s.so.* | /lib/*/libz.so.*) ;;
      /lib/*/libssl.so.* | /lib/*/libcrypto.so.*) ;;
      *) say "it holds $path"; well=1 ;;
    esac
  done < <(cd "$image_root" && find . ! -type d -printf '/%P\n')
  [ "$well" -eq 0 ] && [ "$found" -ge 9 ]
}

image_gives_nobody_more_rights() {
  local found
  found=$(find "$image_root" ! -type l ! -path "$image_root/tmp" -perm /6002 -print)
  [ -z "$found" ] || { say "too many rights: $found"; return 1; }
}

image_is_linked_with_itself() {
  local loader listed
  loader=$(cd "$image_root" && find . -name 'ld-linux*' -printf '/%P\n' | head -n 1)
  listed=$(as_root chroot "$image_root" "$loader" --list /usr/bin/payflow)
  [[ $listed == *libc.so* ]] && ! grep -F 'not found' <<<"$listed"
}

image_has_no_shell() {
  local program
  for program in /bin/sh /usr/bin/sh /bin/bash /bin/busybox /usr/bin/env; do
    ! as_root chroot "$image_root" "$program" -c true 2>/dev/null ||
      { say "it has $program"; return 1; }
  done
}

image_is_small() {
  local all program
  all=$(du -sb --apparent-size "$image_root" | cut -f 1)
  program=$(stat -c %s "$image_root/usr/bin/payflow")
  image_sizes="$(image_mb "$program") MB program ($image_profile), $(image_mb $((all - program)))"
  image_sizes+=" MB the rest"
  [ $((all - program)) -le "$image_rest_max" ]
}

image_mb() {
  awk -v bytes="$1" 'BEGIN { printf "%.1f", bytes / 1e6 }'
}

# What the compiler has read of the repository, after what .dockerignore lets in.
image_build_is_given_what_it_reads() {
  local path found=0 well=0
  while read -r path; do
    found=$((found + 1))
    grep -qxF "!${path%%/*}" .dockerignore || { say "the build has no $path"; well=1; }
  done < <(tr ' ' '\n' <"$image_program.d" | sed -n "s|^$PWD/||p")
  [ "$well" -eq 0 ] && [ "$found" -gt 100 ]
}

# What the Containerfile says of the running image. Argument: an instruction.
image_says() {
  sed -n "s/^$1 //p" Containerfile
}

# Runs it as a container would: in its own root, read-only but for the volume, as its user, with its
# environment and nothing of ours. Leaves its process in image.pid. Arguments: more environment,
# "--", and its arguments.
image_run() {
  local environment=() user folder
  mapfile -t environment < <(image_says ENV)
  user=$(image_says USER) folder=$(image_says WORKDIR | tail -n 1)
  while [ "$1" != -- ]; do
    environment+=("$1")
    shift
  done
  shift
  # shellcheck disable=SC2016 # for the other shell
  as_root env -i "${environment[@]}" "$(command -v unshare)" --mount "$BASH" -ceu '
    PATH=/usr/sbin:/usr/bin:/sbin:/bin
    root=$1 user=$2 folder=$3 process=$4
    shift 4
    mount --bind "$root" "$root"
    mount -o remount,bind,ro "$root"
    mount -t tmpfs -o "mode=0750,uid=${user%:*},gid=${user#*:}" tmpfs "$root$folder"
    echo $$ >"$process"
    unset process OLDPWD
    PATH=/usr/bin exec "$(command -v chroot)" --userspec="$user" "$root" "$@"
  ' - "$image_root" "$user" "$folder" "$run_dir/image.pid" /usr/bin/payflow "$@"
}

image_tells_its_version() {
  local told wanted
  told=$(image_run -- version)
  wanted=$(sed -n 's/^version = "\(.*\)"/payflow \1/p' Cargo.toml | head -n 1)
  [ "$told" = "$wanted" ] || { say "it says $told"; return 1; }
}

# Takes requests on what it may write, says who it is, and ends when it is told to.
image_serves() {
  local log=$run_dir/image.log url="" begun result=0 running
  : >"$log"
  image_run DATABASE_URL=sqlite:///var/lib/payflow/payflow.db TOSS_API_URL=http://127.0.0.1:9 \
    PAYFLOW_SERVER__LISTEN=127.0.0.1:0 PAYFLOW_METRICS__LISTEN=127.0.0.1:0 \
    TOSS_SECRET_KEY=test_sk_of_nobody TOSS_CLIENT_KEY=test_ck_of_nobody -- serve >"$log" 2>&1 &
  running=$!
  trap 'as_root kill "$(cat "$run_dir/image.pid")" 2>/dev/null || true' EXIT
  for _ in {1..300}; do
    url=$(grep -aoE '"payflow_url":"[^"]+' "$log" | cut -d '"' -f 4) || true
    [ -z "$url" ] || break
    kill -0 "$running" 2>/dev/null || break
    sleep 0.1
  done
  [ -n "$url" ] || { cat "$log" >&2; return 1; }
  image_answers "$url" || result=1
  begun=$SECONDS
  trap - EXIT
  as_root kill -TERM "$(cat "$run_dir/image.pid")"
  wait "$running" || { say "ended with $?"; result=1; }
  [ $((SECONDS - begun)) -le 10 ] || { say "took $((SECONDS - begun)) s to end"; result=1; }
  return "$result"
}

# Argument: where it listens.
image_answers() {
  local process owner answer
  process=$(cat "$run_dir/image.pid")
  owner=$(stat -c %u:%g "/proc/$process")
  [ "$owner" = "$(image_says USER)" ] || { say "it runs as $owner"; return 1; }
  curl -sSf "$1/health/live" >/dev/null || return 1
  answer=$(curl -sS "$1/health/ready")
  [ "$(jq '.data.status == "UP" and (.data.roles | length) == 6' <<<"$answer")" = true ] ||
    { say "it answers $answer"; return 1; }
}

# The checks of what is in it see what is put there.
image_checks_can_fail() {
  : >"$image_root/usr/bin/sh"
  chmod 4755 "$image_root/usr/bin/payflow"
  ! image_holds_what_it_may >/dev/null && ! image_gives_nobody_more_rights >/dev/null
}

image_checks=(
  image_holds_what_it_may
  image_gives_nobody_more_rights
  image_is_linked_with_itself
  image_has_no_shell
  image_is_small
  image_tells_its_version
  image_serves
  image_build_is_given_what_it_reads
  image_checks_can_fail
)
image_well=0
for image_check in "${image_checks[@]}"; do
  if "$image_check"; then
    image_well=$((image_well + 1))
  else
    say "FAILED: $image_check"
  fi
done
say "image: $image_well of ${#image_checks[@]} hold; ${image_sizes:-not measured}"
[ "$image_well" -eq "${#image_checks[@]}" ]
