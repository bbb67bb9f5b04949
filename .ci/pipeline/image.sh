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
ARGUMENTS=()
if [ "${DOCKERBUILD:-}" = true ]; then
    files=compiled
    arguments_to_compile image-root
fi
created=$(git log -1 --format=%ct)
ARGUMENTS+=(
    --build-arg "FILES=$files"
    --build-arg "VERSION=$(version)"
    --build-arg "REVISION=$(revision)"
    --build-arg "CREATED=$(TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)"
    --platform "linux/$ARCH"
)
# All times that the tool lets be set are the commit's; by podman and buildah the same commit gives the same image.
case $TOOL in
    docker) ARGUMENTS+=(--build-arg "SOURCE_DATE_EPOCH=$created") ;;
    *) ARGUMENTS+=(--timestamp "$created" --format oci) ;;
esac
"$TOOL" build "${ARGUMENTS[@]}" --tag "$LOCAL_IMAGE" .
echo "made $LOCAL_IMAGE of $(revision) with $TOOL"
