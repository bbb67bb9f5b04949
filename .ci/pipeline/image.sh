#!/usr/bin/env bash
# Makes the image, of what `make image-root` has laid out or, with DOCKERBUILD=true, of what a container compiles.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=checkout.sh
. .ci/pipeline/checkout.sh
# shellcheck source=containers.sh
. .ci/pipeline/containers.sh

choose_tool
files=given
[ "${DOCKERBUILD:-}" != true ] || files=compiled
created=$(git log -1 --format=%ct)
arguments=(
    --build-arg "FILES=$files"
    --build-arg "VERSION=$(version)"
    --build-arg "REVISION=$(revision)"
    --build-arg "CREATED=$(TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)"
    --platform "linux/$ARCH"
)
[ -z "${RUST_IMAGE:-}" ] || arguments+=(--build-arg "RUST_IMAGE=$RUST_IMAGE")
# All times in the image are the commit's, so that the same commit gives the same image.
case $TOOL in
    docker) arguments+=(--build-arg "SOURCE_DATE_EPOCH=$created") ;;
    *) arguments+=(--timestamp "$created" --format oci) ;;
esac
"$TOOL" build "${arguments[@]}" --tag "$LOCAL_IMAGE" .
echo "made $LOCAL_IMAGE of $(revision) with $TOOL"
