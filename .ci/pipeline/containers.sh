# Images by Docker, podman or buildah, whichever works here: CONTAINER_TOOL names one. To be sourced after checkout.sh.
# shellcheck shell=bash

# The image that `make image` makes and the later steps take, by its name on this machine.
LOCAL_IMAGE=packet-cloud-controller-manager:latest

# A client without its engine is no use, so each is asked something. podman and buildah run without one.
works() {
    case $1 in
        docker) docker version >/dev/null 2>&1 ;;
        podman | buildah) "$1" info >/dev/null 2>&1 ;;
        *) fail "CONTAINER_TOOL=$1: it is docker, podman or buildah." ;;
    esac
}

# Sets TOOL.
choose_tool() {
    local tool
    for tool in ${CONTAINER_TOOL:-docker podman buildah}; do
        if works "$tool"; then
            TOOL=$tool
            return
        fi
    done
    fail "An image takes Docker with its engine running, podman or buildah, and ${CONTAINER_TOOL:-none of them} does not work here." \
        "Debian and Ubuntu have them all: apt-get install buildah"
}

# Of the image by this name: the value of a label, nothing where it has none; fails where there is no such image.
label() {
    case $TOOL in
        buildah) buildah inspect --type image --format "{{index .OCIv1.Config.Labels \"$2\"}}" "$1" 2>/dev/null ;;
        *) "$TOOL" image inspect --format "{{index .Config.Labels \"$2\"}}" "$1" 2>/dev/null ;;
    esac
}

# Gives an image a second name and pushes it by that. A registry of this machine may speak plain HTTP, as it may for Docker.
push_as() {
    local insecure=()
    if [ "$TOOL" != docker ] && [[ $2 =~ ^(localhost|127\.[0-9.]+|\[::1\])(:[0-9]+)?/ ]]; then
        insecure=(--tls-verify=false)
    fi
    "$TOOL" tag "$1" "$2"
    "$TOOL" push "${insecure[@]}" "$2"
    echo "pushed $2"
}

# Fails unless `make image` has made one here, of the commit that is checked out.
need_image_of_head() {
    local of head
    of=$(label "$LOCAL_IMAGE" org.opencontainers.image.revision) \
        || fail "There is no image $LOCAL_IMAGE on this machine. Make it with: make ci"
    head=$(revision)
    case $head in
        *-dirty) fail "The checkout has changes that are in no commit, so nobody could tell what is in the image:" \
            "$(git status --short)" "Commit them, then: make ci" ;;
    esac
    [ "$of" = "$head" ] || fail "The image $LOCAL_IMAGE is of the commit ${of:-(unknown)}, and checked out is $head." \
        "Make it anew with: make ci"
}
