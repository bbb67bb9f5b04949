#!/usr/bin/env bash
# Pushes the image of `make ci` by the name of the release that is checked out.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=checkout.sh
. .ci/pipeline/checkout.sh
# shellcheck source=containers.sh
. .ci/pipeline/containers.sh

# What `make prerelease` writes. Where nothing else has changed since the image of `make ci`, that image was of what is released,
# but for its version.
WRITTEN_BY_PRERELEASE='^(README\.md|CHANGELOG\.md|Cargo\.toml|(fuzz/)?Cargo\.lock|deploy/(releases/.*|template/(deployment|daemonset)\.yaml'
WRITTEN_BY_PRERELEASE+='|helm/packet-cloud-controller-manager/(Chart\.yaml|values\.yaml|README\.md)))$'

# Whether two commits are the same but for what `make prerelease` writes.
is_prerelease_of() {
    local other
    git merge-base --is-ancestor "$1" "$2" 2>/dev/null || return 1
    # Each reads to the end: one that stops at its first line breaks the pipe, which looks like having found none.
    other=$(git diff --name-only "$1" "$2" | grep -Ev "$WRITTEN_BY_PRERELEASE" || true)
    [ -z "$other" ] || return 1
    other=$(git diff --unified=0 "$1" "$2" -- Cargo.toml Cargo.lock fuzz/Cargo.lock | grep -E '^[-+]' \
        | grep -Ev '^(---|\+\+\+) |^[-+]version = "' || true)
    [ -z "$other" ]
}

release=${RELEASE_TAG:-}
[ -n "$release" ] || fail "make release takes RELEASE_TAG, the Git tag of the release: make release CONFIRM=true RELEASE_TAG=v1.2.3" \
    "It would push $LOCAL_IMAGE as $IMAGE:RELEASE_TAG."
is_release_tag "$release" || fail "RELEASE_TAG=$release is no release: it is vMAJOR.MINOR.PATCH, as v1.2.3 or v1.2.3-rc.1."
if [ "${CONFIRM:-}" != true ]; then
    fail "Nothing was pushed. With CONFIRM=true this pushes $LOCAL_IMAGE as" "  $IMAGE:$release"
fi

tagged=$(git rev-parse --verify --quiet "refs/tags/$release^{commit}") \
    || fail "There is no Git tag $release here. After 'make prerelease RELEASE_TAG=$release' commit, then: git tag $release"
head=$(git rev-parse HEAD)
[ "$tagged" = "$head" ] || fail "The tag $release is the commit $tagged, and checked out is $head." "First: git checkout $release"
[ "$(revision)" = "$head" ] || fail "The checkout has changes that are not in $release:" "$(git status --short)"
if [ "v$(version)" != "$release" ] || [ ! -d "deploy/releases/$release" ]; then
    there=$(find deploy/releases -mindepth 1 -maxdepth 1 -type d | sort | tr '\n' ' ')
    fail "The commit tagged $release is not prepared for it: Cargo.toml says $(version), and its releases are: ${there:-none}" \
        "Take the tag away (git tag --delete $release), then: make prerelease RELEASE_TAG=$release, commit, and tag that."
fi
for file in "deploy/releases/$release"/*.yaml; do
    grep -q "image: $IMAGE:$release\$" "$file" || fail "$file asks for another image than $IMAGE:$release:" \
        "$(grep 'image: ' "$file")" "Say IMAGE= to make release as it was said to make prerelease."
done

choose_tool
of=$(label "$LOCAL_IMAGE" org.opencontainers.image.revision || true)
if [ "$of" != "$head" ] && is_prerelease_of "${of:-none}" "$head"; then
    echo "The image of 'make ci' is of ${of:0:12}, before 'make prerelease'. Nothing else has changed since, so it is made anew of $release."
    "${MAKE:-make}" image
fi
need_image_of_head
pushed=$(pushed_revision "$IMAGE:$release")
case $pushed in
    "$head")
        echo "$IMAGE:$release is there already, of this very commit."
        exit
        ;;
    "") ;;
    *) fail "$IMAGE:$release is there already, of the commit $pushed. A release is never changed: take the next version." ;;
esac
push_as "$LOCAL_IMAGE" "$IMAGE:$release"
