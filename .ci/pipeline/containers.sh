# Images by Docker, podman or buildah, whichever works here: CONTAINER_TOOL names one. To be sourced after checkout.sh.
# shellcheck shell=bash

# What older releases of Docker do only when told.
export DOCKER_BUILDKIT=1

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
    [ -z "${CONTAINER_TOOL:-}" ] \
        || fail "$CONTAINER_TOOL does not work here: is it installed, does its engine run, and may you use it?"
    fail "An image takes Docker with its engine running, podman or buildah, and none of them works here." \
        "Debian and Ubuntu have them all: apt-get install buildah"
}

# Of the image by this name: the value of a label, nothing where it has none; fails where there is no such image.
label() {
    case $TOOL in
        buildah) buildah inspect --type image --format "{{index .OCIv1.Config.Labels \"$2\"}}" "$1" 2>/dev/null ;;
        *) "$TOOL" image inspect --format "{{index .Config.Labels \"$2\"}}" "$1" 2>/dev/null ;;
    esac
}

# The architecture that an image is for.
architecture() {
    case $TOOL in
        buildah) buildah inspect --type image --format '{{.OCIv1.Architecture}}' "$1" ;;
        *) "$TOOL" image inspect --format '{{.Architecture}}' "$1" ;;
    esac
}

# Pushes or pulls an image. A registry of this machine may speak plain HTTP, as it may for Docker.
transfer() {
    if [ "$TOOL" != docker ] && [[ $2 =~ ^(localhost|127\.[0-9.]+|\[::1\])(:[0-9]+)?/ ]]; then
        "$TOOL" "$1" --tls-verify=false "$2"
    else
        "$TOOL" "$1" "$2"
    fi
}

# Gives an image a second name and pushes it by that.
push_as() {
    "$TOOL" tag "$1" "$2"
    transfer push "$2"
    echo "pushed $2"
}

# The commit of the image that the registry has by that name; nothing where it has none.
pushed_revision() {
    if transfer pull "$1" >/dev/null 2>&1; then
        label "$1" org.opencontainers.image.revision
    fi
}

# Fails unless `make image` has made one here, of the commit that is checked out, for the architecture that Nodes have.
need_image_of_head() {
    local of head meant_for
    of=$(label "$LOCAL_IMAGE" org.opencontainers.image.revision) \
        || fail "$TOOL has no image $LOCAL_IMAGE. Make it with: make ci" \
            "If another tool has it, name that: CONTAINER_TOOL=docker, podman or buildah."
    head=$(revision)
    case $head in
        *-dirty) fail "The checkout has changes that are in no commit, so nobody could tell what is in the image:" \
            "$(git status --short)" "Commit them, then: make ci" ;;
    esac
    [ "$of" = "$head" ] || fail "The image $LOCAL_IMAGE is of the commit ${of:-(unknown)}, and checked out is $head." \
        "Make it anew with: make ci"
    meant_for=$(architecture "$LOCAL_IMAGE")
    [ "$meant_for" = "$RELEASE_ARCH" ] \
        || fail "The image $LOCAL_IMAGE is for $meant_for, and what is pushed is for $RELEASE_ARCH." \
            "Make it anew with: make image ARCH=$RELEASE_ARCH; or, where your Nodes are so, say RELEASE_ARCH=$meant_for"
}

# What the stage that compiles is told, to compile for $OS and $ARCH: sets ARGUMENTS.
arguments_to_compile() {
    local rust_image=${RUST_IMAGE:-} packages=
    ARGUMENTS=(--build-arg "STEP=$1" --build-arg "OS=$OS" --build-arg "ARCH=$ARCH" --build-arg "TRIPLE=$TRIPLE")
    case $OS-$ARCH-$(uname -m) in
        # Apple's SDK and a linker for it: https://github.com/rust-cross/cargo-zigbuild
        darwin-*)
            rust_image=${rust_image:-docker.io/messense/cargo-zigbuild:0.20.1}
            ARGUMENTS+=(--build-arg CARGO_BUILD=zigbuild)
            ;;
        linux-arm64-x86_64) packages="gcc-aarch64-linux-gnu libc6-dev-arm64-cross" ;;
        linux-amd64-aarch64 | linux-amd64-arm64) packages="gcc-x86-64-linux-gnu libc6-dev-amd64-cross" ;;
    esac
    ARGUMENTS+=(--build-arg "PACKAGES=$packages")
    [ -z "$rust_image" ] || ARGUMENTS+=(--build-arg "RUST_IMAGE=$rust_image")
}
