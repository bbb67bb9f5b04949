#!/bin/sh
# Prints where a Helm 4 is: the one that is installed, or one that Go builds into the file $1 as go.mod here says. Go itself knows
# whether what is there has to be built anew.
set -eu
case "$(helm version --template '{{.Version}}' 2>/dev/null || true)" in
v4.*)
    command -v helm
    ;;
*)
    [ -e "$1" ] || echo "Building Helm with Go into $1: some two minutes the first time." >&2
    cd "$(dirname "$0")"
    GOWORK=off GOOS='' GOARCH='' CGO_ENABLED=0 go build -buildvcs=false -ldflags='-s -w' -o "$1" helm.sh/helm/v4/cmd/helm
    echo "$1"
    ;;
esac
