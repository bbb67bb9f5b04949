# What the steps of the pipeline want to know of the checkout that they run in. To be sourced, from its top.
# shellcheck shell=bash

# Ends the step: what is wrong, and below it what to do, each argument a line.
fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

git rev-parse --git-dir >/dev/null 2>&1 || fail "This takes a Git checkout: an image tells of which commit it is."

# The commit, with "-dirty" where files differ from it or are new: what is built of those is nobody else's to build again.
revision() {
    local changed
    changed=$(git status --porcelain)
    printf '%s%s\n' "$(git rev-parse HEAD)" "${changed:+-dirty}"
}

# The version that the program tells, from Cargo.toml.
version() {
    sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1
}

# A release is tagged vMAJOR.MINOR.PATCH, with -rc.1 and the like before it is one: https://semver.org, without build metadata,
# which a tag of an image cannot have.
is_release_tag() {
    local number='(0|[1-9][0-9]*)' word='(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)'
    [[ $1 =~ ^v$number\.$number\.$number(-$word(\.$word)*)?$ ]]
}
