#!/usr/bin/env bash
# Owns what an image holds: assembles its root folder. The Containerfile's last stage is this folder
# and nothing else, and scripts/lib/image.sh looks into it.
#
#   scripts/lib/image-root.sh PROGRAM FOLDER
set -euo pipefail
[ $# -eq 2 ] || { echo "usage: image-root.sh PROGRAM FOLDER" >&2; exit 2; }
program=$1 root=$2
source_root=$(dirname "${BASH_SOURCE[0]}")/../..
certificates=/etc/ssl/certs/ca-certificates.crt

install -d -m 0755 "$root"
install -d -m 1777 "$root/tmp"
install -d -m 0755 "$root/var/lib"
install -d -m 0750 "$root/var/lib/payflow"

# Lines of code are for a debugger; the names of functions stay, for backtraces.
install -d -m 0755 "$root/usr/bin"
strip --strip-debug -o "$root/usr/bin/payflow" "$program"
chmod 0755 "$root/usr/bin/payflow"

# Every library it is linked with and the loader, each under the name that is looked for.
ldd "$program" | awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }' | sort -u |
  while read -r library; do
    [ -e "$library" ] || { echo "no library $library" >&2; exit 1; }
    install -D -m 0755 "$(realpath "$library")" "$root$library"
  done

# Whom TLS trusts, who the one user is, and that names are asked of files before DNS.
install -D -m 0644 "$certificates" "$root$certificates"
printf 'payflow:x:65532:65532:payflow:/var/lib/payflow:/nonexistent\n' >"$root/etc/passwd"
printf 'payflow:x:65532:\n' >"$root/etc/group"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
chmod 0644 "$root/etc/passwd" "$root/etc/group" "$root/etc/nsswitch.conf"
install -D -m 0644 "$source_root/LICENSE" "$root/usr/share/licenses/payflow/LICENSE"
