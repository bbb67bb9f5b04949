# What one does with this repository, from building to demonstrating it. `make` alone lists it.
#
# Works with GNU make 3.81 (macOS) and newer.

NAME := packet-cloud-controller-manager
CARGO ?= cargo
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)

# The platform to build for, in Go's and Docker's names, by default the one make runs on.
OS := $(or $(OS),$(shell uname -s | tr 'A-Z' 'a-z'))
ARCH := $(or $(ARCH),$(subst aarch64,arm64,$(subst x86_64,amd64,$(shell uname -m))))
BINARY := dist/bin/$(NAME)--$(OS)-$(ARCH)

# Those that can be built, in Rust's names.
TRIPLE_linux_amd64 := x86_64-unknown-linux-gnu
TRIPLE_linux_arm64 := aarch64-unknown-linux-gnu
TRIPLE_darwin_amd64 := x86_64-apple-darwin
TRIPLE_darwin_arm64 := aarch64-apple-darwin
TRIPLE := $(TRIPLE_$(OS)_$(ARCH))
KNOWN_PLATFORM = $(if $(TRIPLE),,$(error no build for OS=$(OS) ARCH=$(ARCH): OS is linux or darwin, ARCH is amd64 or arm64))

# Linux binaries are static, so that they run on any distribution and in an empty image.
STATIC_linux := -C target-feature=+crt-static
BUILD_FLAGS = $(strip $(RUSTFLAGS) $(STATIC_$(OS)))

# Debian's name for the compiler, needed where the machine itself is of another architecture.
ifneq ($(shell uname -m),aarch64)
CROSS_linux_arm64 := CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
endif
ifneq ($(shell uname -m),x86_64)
CROSS_linux_amd64 := CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=x86_64-linux-gnu-gcc
endif

# Whether a container builds: DOCKERBUILD=true.
WHERE_true := in-container
WHERE_false := here
IMAGE_ROOT_here := image-root
WHERE := $(or $(WHERE_$(or $(DOCKERBUILD),false)),$(error DOCKERBUILD=$(DOCKERBUILD) is neither true nor false))
CARGO_BUILD ?= build

# The image's name where it is pushed to, with its registry, and what it has to be for there.
RELEASE_ARCH := $(or $(RELEASE_ARCH),amd64)
IMAGE := $(or $(IMAGE),docker.io/packethost/$(NAME))

# The steps of the pipeline, and what they are told.
PIPELINE := .ci/pipeline
export ARCH BRANCH_NAME CA_CERTIFICATES CARGO CONFIRM CONTAINER_TOOL DOCKERBUILD IMAGE MAKE OS RELEASE_ARCH RELEASE_TAG RUST_IMAGE TRIPLE

.DEFAULT_GOAL := help
.PHONY: help build build-here build-in-container image image-root ci cd prerelease release test pipeline-test capability-test fault-test fault-table bench demo load-test alerts dashboard-pictures fuzz fuzz-build fmt lint notices sbom clean

help: ## list what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-18s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

build: build-$(WHERE) ## the release binary, dist/bin/NAME--OS-ARCH; OS=linux|darwin, ARCH=amd64|arm64, DOCKERBUILD=true in a container

build-here:
	$(KNOWN_PLATFORM)
	@command -v rustc >/dev/null || { \
		echo "There is no Rust here. Get it from https://rustup.rs, or build in a container: DOCKERBUILD=true" >&2; exit 1; }
	@test -d "$$(rustc --print sysroot)/lib/rustlib/$(TRIPLE)/lib" || { \
		echo "Rust's standard library for $(TRIPLE) is not installed. Get it with: rustup target add $(TRIPLE)" >&2; \
		echo "A foreign target needs a linker as well: Debian's gcc-aarch64-linux-gnu or gcc-x86-64-linux-gnu for" \
			"Linux; a darwin binary is best built on macOS. Or build in a container: add DOCKERBUILD=true" >&2; \
		exit 1; }
	$(CROSS_$(OS)_$(ARCH)) RUSTFLAGS="$(BUILD_FLAGS)" $(CARGO) $(CARGO_BUILD) --release --locked -p $(NAME) \
		--target $(TRIPLE) --target-dir "$(TARGET_DIR)"
	@mkdir -p $(dir $(BINARY))
	cp "$(TARGET_DIR)/$(TRIPLE)/release/$(NAME)" $(BINARY)

build-in-container:
	$(KNOWN_PLATFORM)
	$(PIPELINE)/build.sh

# `linux`, whatever the machine is: there are no images of anything else.
image: $(IMAGE_ROOT_$(WHERE)) ## an OCI image of it, NAME:latest, by Docker, podman or buildah: CONTAINER_TOOL=; ARCH= and DOCKERBUILD=true as for build
	$(if $(TRIPLE_linux_$(ARCH)),,$(error no image for ARCH=$(ARCH): it is amd64 or arm64))
	OS=linux TRIPLE=$(TRIPLE_linux_$(ARCH)) $(PIPELINE)/image.sh

# Without flags of one machine, which would not run on others.
image-root:
	$(MAKE) build OS=linux RUSTFLAGS=
	$(MAKE) notices
	$(PIPELINE)/image-root.sh dist/bin/$(NAME)--linux-$(ARCH)

ci: ## what runs for every change: build, test, image
	$(MAKE) build
	$(MAKE) test
	$(MAKE) image

cd: ## push the image of ci as IMAGE:BRANCH_NAME and IMAGE:COMMIT; takes CONFIRM=true and BRANCH_NAME=
	@$(PIPELINE)/cd.sh

prerelease: ## prepare the commit to tag as RELEASE_TAG=v1.2.3: version, README.md, CHANGELOG.md, deploy/releases/
	@$(PIPELINE)/prerelease

release: ## push the image of ci as IMAGE:RELEASE_TAG, at that Git tag; takes CONFIRM=true and RELEASE_TAG=v1.2.3
	@$(PIPELINE)/release.sh

# What the alerts and the dashboard mean to Prometheus. Go keeps the result of a test only by what lies in its own module, so
# `-count=1`.
PROMRULES := cd tests/promrules &&

# The binaries of the control plane, Helm and kubectl are built on their own, in the open, because they take minutes the first time. What the
# tests log, at the highest verbosity, goes to a file, in which no secret may be found.
TEST_LOG := $(TARGET_DIR)/test-log.txt
test: ## unit, integration and end-to-end tests, and the judges of the simulated Packet API: all but pipeline-test and fuzz
	$(CARGO) test --workspace --locked --no-run
	"$(TARGET_DIR)/debug/control-plane-binaries"
	tests/helm/helm.sh "$(abspath $(TARGET_DIR))/helm/helm"
	tests/kubectl/kubectl.sh "$(abspath $(TARGET_DIR))/kubectl/kubectl"
	LAB_PRODUCT_BINARY="$(abspath $(TARGET_DIR))/debug/$(NAME)" TEST_VERBOSITY=10 $(CARGO) test --workspace --locked \
		2>"$(TEST_LOG)" || { tail -n 20 "$(TEST_LOG)"; echo "What the tests logged is in $(TEST_LOG)." >&2; exit 1; }
	tests/no-secret-in.sh "$(TEST_LOG)"
	$(MAKE) capability-test
	$(PROMRULES) go vet ./... && go test -count=1 ./...
	PACKET_API_SERVER="$(abspath $(TARGET_DIR))/debug/packet-api-server" packet-api-server/judges/schemathesis.sh
	PACKET_API_SERVER="$(abspath $(TARGET_DIR))/debug/packet-api-server" packet-api-server/judges/packngo.sh

pipeline-test: ## image, cd, prerelease and release in a copy of the repository, against a registry; takes root, docker-registry, skopeo, buildah
	$(CARGO) test --locked -p $(NAME) --test pipeline -- --ignored --nocapture

capability-test: ## docs/adding-a-capability.md, followed in a copy of the repository, which is then built and tested
	$(CARGO) test --locked -p $(NAME) --test docs -- --ignored capability

FAULT_TEST = $(CARGO) test --locked -p $(NAME) --test fault_simulation whatever

fault-test: ## the whole controller in simulated worlds full of faults: SEEDS=200 FIRST_SEED=1, or SEED=17 for the story of one
	SEED=$(SEED) SEEDS=$(or $(SEEDS),200) FIRST_SEED=$(FIRST_SEED) LOG=$(LOG) $(FAULT_TEST) -- --nocapture

fault-table: ## every fault against every kind of Node, as a table
	@$(CARGO) test --locked -p $(NAME) --test behaviour --no-run --quiet
	@$(CARGO) test --locked -p $(NAME) --test behaviour fault_table -- --nocapture \
		>"$(TARGET_DIR)/fault-table.txt" 2>"$(TARGET_DIR)/fault-table-log.txt" \
		|| { tail -n 20 "$(TARGET_DIR)/fault-table.txt" "$(TARGET_DIR)/fault-table-log.txt"; exit 1; }
	@grep '^[|W]' "$(TARGET_DIR)/fault-table.txt"

# Named one by one, because without names cargo would have the unit tests read the arguments of benchmarks.
bench: ## what reading, planning and patching cost in time and memory; FLAGS="Node" runs only what has that in its name
	$(CARGO) bench --workspace --locked --bench memory
	$(CARGO) bench --workspace --locked --bench speed -- $(FLAGS)

demo: ## the released binary at work on NODES= Nodes; more in FLAGS="…"; KUBECONFIG= for a real cluster; KEEP=1 to keep it up
	$(CARGO) build --release --locked -p $(NAME) -p lab
	"$(TARGET_DIR)/release/lab" demo $(if $(NODES),--nodes $(NODES)) $(FLAGS)

# What `make load-test` takes, and the option that each becomes.
LOAD_TEST_OPTIONS = $(if $(NODES),--nodes $(NODES)) $(if $(SCENARIO),--scenario $(SCENARIO)) \
	$(if $(RATE),--rate $(RATE)) $(if $(BURST),--burst $(BURST)) \
	$(if $(LATENCY),--latency $(LATENCY)) $(if $(RATE_LIMIT),--rate-limit $(RATE_LIMIT)) $(FLAGS)

load-test: ## will it hold for my cluster? NODES= SCENARIO=a,b|all RATE= BURST= LATENCY= RATE_LIMIT=60/1m; more in FLAGS="…"
	$(CARGO) build --release --locked -p $(NAME) -p lab
	"$(TARGET_DIR)/release/lab" load-test $(LOAD_TEST_OPTIONS)

alerts: ## the alerts as an object of Prometheus Operator, after a change in deploy/monitoring/alerts.yaml; and their tests
	$(PROMRULES) go run . >../../deploy/monitoring/prometheus-rule.yaml
	$(PROMRULES) go test -count=1 ./...

# One that is there is drawn again with `go run ./pictures -recording FILE`, without the load test.
RECORDING = $(abspath $(TARGET_DIR))/load-test/dashboard.om

dashboard-pictures: ## docs/images/dashboard-*.png: what the dashboard shows of a load test that is played for it; some five minutes after the build
	$(CARGO) build --release --locked -p $(NAME) -p lab
	@mkdir -p "$(dir $(RECORDING))"
	$(PROMRULES) go run ./pictures -lab "$(abspath $(TARGET_DIR))/release/lab" -recording "$(RECORDING)"

FUZZ_TARGETS := configuration node_texts packet_answers rate_limit_headers
# Without a sanitizer, the Rust release of rust-toolchain.toml will do, and there is no unsafe code that one would watch.
FUZZ := $(CARGO) fuzz
FUZZ_FLAGS := --dev --sanitizer none --target-dir "$(abspath $(TARGET_DIR))/fuzz"

fuzz: $(addprefix fuzz-,$(or $(TARGET),$(FUZZ_TARGETS))) ## arbitrary bytes for what reads texts of others, SECONDS=60 for each or one TARGET=; see fuzz/README.md

fuzz-build:
	@$(FUZZ) --version >/dev/null 2>&1 || { \
		echo "Fuzzing needs cargo-fuzz. Get it with: $(CARGO) install --locked cargo-fuzz" >&2; exit 1; }
	$(FUZZ) build $(FUZZ_FLAGS)

# What is new goes beside the build, so that the corpus stays as it is in Git. libFuzzer tells more than anybody reads, unless
# it has found something.
fuzz-%: fuzz-build
	@mkdir -p "$(TARGET_DIR)/fuzz/found/$*"
	@$(FUZZ) run $(FUZZ_FLAGS) $* "$(abspath $(TARGET_DIR))/fuzz/found/$*" fuzz/corpus/$* -- \
		-dict=fuzz/dictionaries/$*.dict -max_total_time=$(or $(SECONDS),60) -max_len=8192 -timeout=10 \
		-print_final_stats=1 >"$(TARGET_DIR)/fuzz/$*.log" 2>&1 \
		|| { tail -n 100 "$(TARGET_DIR)/fuzz/$*.log" >&2; exit 1; }
	@awk '/^stat::number_of_executed_units:/ { print "$*: " $$2 " inputs, and nothing found" }' "$(TARGET_DIR)/fuzz/$*.log"

fmt: ## format the source
	$(CARGO) fmt --all
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml

lint: ## formatting, clippy, documentation and, where cargo-deny is installed, dependencies
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) clippy --manifest-path fuzz/Cargo.toml --all-targets --locked --target-dir "$(TARGET_DIR)" -- -D warnings
	RUSTDOCFLAGS=-Dwarnings $(CARGO) doc --workspace --no-deps --locked
	@if $(CARGO) deny --version >/dev/null 2>&1; then \
		$(CARGO) deny --locked check bans licenses sources; \
	else \
		echo "Dependencies were not checked. For that: $(CARGO) install --locked cargo-deny"; \
	fi

notices: ## dist/THIRD-PARTY-NOTICES.txt, the licences of all that is linked into the binary; takes Python 3
	@mkdir -p dist
	CARGO="$(CARGO)" .ci/third-party-notices >dist/THIRD-PARTY-NOTICES.txt

# It writes a file beside the manifest of each member, and calls members by their paths on this machine.
sbom: ## what the binary is made of, in CycloneDX: dist/bin/NAME--OS-ARCH.cdx.json; OS= and ARCH= as for build
	$(KNOWN_PLATFORM)
	@$(CARGO) cyclonedx --version >/dev/null 2>&1 || { \
		echo "This needs cargo-cyclonedx. Get it with: $(CARGO) install --locked cargo-cyclonedx" >&2; exit 1; }
	@mkdir -p $(dir $(BINARY))
	SOURCE_DATE_EPOCH="$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)}" $(CARGO) cyclonedx --quiet --format json \
		--spec-version 1.5 --target $(TRIPLE) --no-build-deps
	sed 's|$(CURDIR)|.|g' $(NAME).cdx.json >$(BINARY).cdx.json
	@rm -f *.cdx.json */*.cdx.json tests/*/*.cdx.json

clean: ## remove what was built, the control plane's binaries included
	$(CARGO) clean
	rm -rf dist
