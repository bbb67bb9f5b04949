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
arguments=(--build-arg "STEP=build" --build-arg "OS=$OS" --build-arg "ARCH=$ARCH" --build-arg "TRIPLE=$TRIPLE")
case $OS-$ARCH-$(uname -m) in
    # Apple's SDK and a linker for it: https://github.com/rust-cross/cargo-zigbuild
    darwin-*)
        RUST_IMAGE=${RUST_IMAGE:-docker.io/messense/cargo-zigbuild}
        arguments+=(--build-arg CARGO_BUILD=zigbuild)
        ;;
    linux-arm64-x86_64) arguments+=(--build-arg "PACKAGES=gcc-aarch64-linux-gnu libc6-dev-arm64-cross") ;;
    linux-amd64-aarch64 | linux-amd64-arm64) arguments+=(--build-arg "PACKAGES=gcc-x86-64-linux-gnu libc6-dev-amd64-cross") ;;
esac
[ -z "${RUST_IMAGE:-}" ] || arguments+=(--build-arg "RUST_IMAGE=$RUST_IMAGE")
"$TOOL" build "${arguments[@]}" --target compiled --tag "$compiled" .

mkdir -p dist/bin
if [ "$TOOL" = buildah ]; then
    container=$(buildah from "$compiled")
    trap 'buildah rm "$container" >/dev/null' EXIT
    cp "$(buildah mount "$container")/dist/bin/$binary" dist/bin/
else
    container=$("$TOOL" create "$compiled")
    trap '"$TOOL" rm "$container" >/dev/null' EXIT
    "$TOOL" cp "$container:/dist/bin/$binary" dist/bin/
fi
echo "made dist/bin/$binary with $TOOL"
