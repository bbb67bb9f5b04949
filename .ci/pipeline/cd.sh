#!/usr/bin/env bash
# Pushes the image of `make ci` by the name of the branch and by the commit's.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=checkout.sh
. .ci/pipeline/checkout.sh
# shellcheck source=containers.sh
. .ci/pipeline/containers.sh

branch=${BRANCH_NAME:-}
# A tag has no slash, and 128 characters at most: https://github.com/opencontainers/distribution-spec
tag=${branch//\//-}
if [ -z "$branch" ]; then
    fail "make cd takes BRANCH_NAME, the branch that was merged into: make cd CONFIRM=true BRANCH_NAME=master" \
        "It would push $LOCAL_IMAGE as $IMAGE:BRANCH_NAME and as $IMAGE:$(git rev-parse HEAD)."
fi
[[ $tag =~ ^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}$ ]] \
    || fail "BRANCH_NAME=$branch makes no tag of an image: letters, digits, _ . - and / only, 128 of them at most."
if [ "$tag" = latest ] || is_release_tag "$tag"; then
    fail "BRANCH_NAME=$branch: by that name only releases are pushed. That is: make release"
fi
if [ "${CONFIRM:-}" != true ]; then
    fail "Nothing was pushed. With CONFIRM=true this pushes $LOCAL_IMAGE as" \
        "  $IMAGE:$tag" "  $IMAGE:$(git rev-parse HEAD)"
fi

choose_tool
need_image_of_head
push_as "$LOCAL_IMAGE" "$IMAGE:$tag"
push_as "$LOCAL_IMAGE" "$IMAGE:$(git rev-parse HEAD)"
