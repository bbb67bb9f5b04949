# An image of one static binary and the certificate authorities to trust: no shell, no package manager, no user but 65532.
#
# The release of Rust is the one in rust-toolchain.toml.
FROM rust:1.95.0-slim-bookworm AS build
# The image's own toolchain: the file also asks for components that only development needs.
ENV RUSTUP_TOOLCHAIN=1.95.0
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates gcc libc6-dev make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
# BuildKit keeps both caches between builds; the binary is moved out because a cache is no part of the image.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    make build \
    && mv dist/bin/packet-cloud-controller-manager--linux-* /packet-cloud-controller-manager

FROM scratch
LABEL org.opencontainers.image.title="packet-cloud-controller-manager" \
    org.opencontainers.image.description="Kubernetes cloud controller manager for Packet (Equinix Metal)" \
    org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /packet-cloud-controller-manager /packet-cloud-controller-manager
# A number, because there is no /etc/passwd to look a name up in; the kubelet's runAsNonRoot asks for one too.
USER 65532:65532
ENTRYPOINT ["/packet-cloud-controller-manager"]
