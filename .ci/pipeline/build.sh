#!/usr/bin/env bash
# Builds the binary in a container: the stage of the Dockerfile that compiles, of which the binary is taken out.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=checkout.sh
. .ci/pipeline/checkout.sh
# shellcheck source=containers.sh
. .ci/pipeline/containers.sh

choose_tool
binary=packet-cloud-controller-manager--$OS-$ARCH
compiled=packet-cloud-controller-manager:compiled-for-$OS-$ARCH
arguments_to_compile build
"$TOOL" build "${ARGUMENTS[@]}" --target compiled --tag "$compiled" .

mkdir -p dist/bin
if [ "$TOOL" = buildah ]; then
    container=$(buildah from "$compiled")
    trap 'buildah rm "$container" >/dev/null' EXIT
    # Only root sees files of a container; whoever is not becomes that for as long.
    as_root=(bash)
    [ "$(id -u)" = 0 ] || as_root=(buildah unshare bash)
    # shellcheck disable=SC2016 # It is the inner shell that is to expand them.
    "${as_root[@]}" -euc 'root=$(buildah mount "$1"); cp "$root/dist/bin/$2" dist/bin/' bash "$container" "$binary"
else
    container=$("$TOOL" create "$compiled")
    trap '"$TOOL" rm "$container" >/dev/null' EXIT
    "$TOOL" cp "$container:/dist/bin/$binary" dist/bin/
fi
echo "made dist/bin/$binary with $TOOL"
