#!/usr/bin/env bash
# Lays out what is in the image: dist/image, from the binary that `make build` has made for linux. Arguments: the binary.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=checkout.sh
. .ci/pipeline/checkout.sh

root=dist/image
binary=$1

# Whom a Mozilla product would believe. Debian's package keeps each apart from what this machine's owner has added, whom the image
# should not believe; elsewhere there is one file.
certificates() {
    local mozilla=/usr/share/ca-certificates/mozilla file
    if [ -n "${CA_CERTIFICATES:-}" ]; then
        cat "$CA_CERTIFICATES"
        return
    fi
    if [ -d "$mozilla" ]; then
        cat "$mozilla"/*.crt
        return
    fi
    for file in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
        if [ -s "$file" ]; then
            cat "$file"
            return
        fi
    done
    fail "There are no CA certificates on this machine to put into the image." \
        "Install the package ca-certificates, or name a file in PEM: make image CA_CERTIFICATES=FILE"
}

rm -rf "$root"
install -d -m 755 "$root/etc/ssl/certs"
certificates >"$root/etc/ssl/certs/ca-certificates.crt"
grep -q 'BEGIN CERTIFICATE' "$root/etc/ssl/certs/ca-certificates.crt" \
    || fail "${CA_CERTIFICATES:-What this machine has for CA certificates} holds no certificate in PEM."
chmod 644 "$root/etc/ssl/certs/ca-certificates.crt"
install -m 755 "$binary" "$root/packet-cloud-controller-manager"
# What the manifests of cloud-provider-equinix-metal call it. Those of packet-ccm call it by its own name.
ln -s packet-cloud-controller-manager "$root/cloud-provider-equinix-metal"
install -m 644 LICENSE dist/THIRD-PARTY-NOTICES.txt "$root"
