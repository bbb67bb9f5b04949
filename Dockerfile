# The image: one static binary, the certificate authorities to believe, and the licences. No shell, no package manager, no user but
# 65532. `make image` builds it from the binary of this machine, and with DOCKERBUILD=true, as `docker build .` does, from one that
# it compiles in a container first.

# Where what is in it comes from: `compiled` or `given`, stages below.
ARG FILES=compiled
# The release of Rust is the one in rust-toolchain.toml.
ARG RUST_IMAGE=docker.io/library/rust:1.95.0-slim-bookworm

# It runs on the machine that builds, whichever that builds for.
FROM --platform=$BUILDPLATFORM ${RUST_IMAGE} AS compiled
# The image's own toolchain: the file also asks for components that only development needs.
ENV RUSTUP_TOOLCHAIN=1.95.0
# What else it takes to build for another platform.
ARG PACKAGES=""
ARG TRIPLE=""
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates gcc libc6-dev make python3 ${PACKAGES} \
    && rm -rf /var/lib/apt/lists/*
RUN if [ -n "${TRIPLE}" ]; then rustup target add "${TRIPLE}"; fi
WORKDIR /source
COPY . .
# A step of the Makefile: `build` for the binary alone, or `image-root`.
ARG STEP=image-root
ARG OS=""
ARG ARCH=""
ARG CARGO_BUILD=build
# BuildKit keeps both caches between builds; what came of it is moved out because a cache is no part of the image.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    make "${STEP}" && mv dist /dist

FROM scratch AS given
COPY dist/image/ /dist/image/

FROM ${FILES} AS files

FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
# https://github.com/opencontainers/image-spec/blob/main/annotations.md
LABEL org.opencontainers.image.title="packet-cloud-controller-manager" \
    org.opencontainers.image.description="Kubernetes cloud controller manager for Packet (Equinix Metal)" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.created="${CREATED}"
COPY --from=files /dist/image/ /
# A number, because there is no /etc/passwd to look a name up in; the kubelet's runAsNonRoot asks for one too.
USER 65532:65532
ENTRYPOINT ["/packet-cloud-controller-manager"]
