//! The whole way: image, branch, release, and what comes out of the registry again. The checkout and what it builds lie below the
//! build folder, so that a second run is quick.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use control_plane::ControlPlane;
use kube_api_server::NodeSpec;
use packet_api_server::DeviceSpec;
use serde_json::{Value, json};

use crate::checkout::Checkout;
use crate::image::Image;
use crate::registry::Registry;

const NAME: &str = "metal/packet-cloud-controller-manager";
const MOST_BYTES: u64 = 20 << 20;
/// Longer than anything takes that works, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
const REVISION: &str = "org.opencontainers.image.revision";
const VERSION: &str = "org.opencontainers.image.version";

/// The build folder.
fn target() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned()
}

/// A checkout whose images go to that registry, kept apart from those of whoever runs the test.
fn checkout(registry: &Registry) -> Checkout {
    let place = target().join("pipeline");
    let mut checkout = Checkout::make_in(&place.join("repository"));
    let (images, storage) = (place.join("images"), place.join("storage.conf"));
    if images.exists() {
        // Parts of it belong to other users.
        std::fs::remove_dir_all(&images).unwrap();
    }
    let config = format!("[storage]\ndriver = \"vfs\"\ngraphroot = \"{0}\"\nrunroot = \"{0}/run\"\n", images.display());
    std::fs::write(&storage, config).unwrap();
    checkout.set("CONTAINERS_STORAGE_CONF", storage.display().to_string());
    // What it takes to build an image within a container.
    checkout.set("BUILDAH_ISOLATION", "chroot");
    checkout.set("CONTAINER_TOOL", "buildah");
    checkout.set("CARGO_TARGET_DIR", target().display().to_string());
    checkout.set("IMAGE", format!("{}/{NAME}", registry.address));
    checkout
}

#[test]
#[ignore = "it builds releases and takes docker-registry, skopeo and buildah: make pipeline-test"]
fn an_image_goes_all_the_way_to_a_release() {
    let whoever = Command::new("id").arg("--user").output().unwrap().stdout;
    assert_eq!(
        whoever, b"0\n",
        "an image is run as a user of its own on a root of its own, which takes root: sudo make pipeline-test"
    );
    let registry = Registry::start();
    let checkout = checkout(&registry);
    let merged = checkout.head();

    checkout.refuses("cd CONFIRM=true BRANCH_NAME=master", &["no image", "make ci"]);
    checkout.makes("image");
    checkout.refuses("cd BRANCH_NAME=master", &["Nothing was pushed"]);
    assert!(registry.tags(NAME).is_empty());

    // Merged: by the names of the branch and the commit, as often as one likes.
    checkout.makes("cd CONFIRM=true BRANCH_NAME=master");
    assert_eq!(registry.tags(NAME), in_order(["master", &merged]));
    let first = registry.manifest(NAME, "master");
    assert_eq!(registry.manifest(NAME, &merged), first);
    checkout.makes("image");
    checkout.makes("cd CONFIRM=true BRANCH_NAME=master");
    assert_eq!(registry.manifest(NAME, "master"), first, "the same commit makes the same image");
    checkout.write("src/main.rs", "changed");
    checkout.refuses("cd CONFIRM=true BRANCH_NAME=master", &["in no commit", "src/main.rs"]);
    checkout.git(&["checkout", "--quiet", "src/main.rs"]);

    // Released: prepared, committed, tagged, pushed.
    checkout.makes("prerelease RELEASE_TAG=v1.2.3");
    checkout.commit("v1.2.3");
    checkout.refuses("cd CONFIRM=true BRANCH_NAME=master", &[&merged, &checkout.head(), "make ci"]);
    checkout.refuses("release CONFIRM=true RELEASE_TAG=v1.2.3", &["no Git tag v1.2.3"]);
    checkout.git(&["tag", "v1.2.3"]);
    checkout.refuses("prerelease RELEASE_TAG=v1.2.3", &["exists already"]);
    checkout.refuses("release RELEASE_TAG=v1.2.3", &["Nothing was pushed"]);
    checkout.refuses("release CONFIRM=true RELEASE_TAG=v1.2.3 IMAGE=elsewhere/ccm", &["another image", "IMAGE="]);
    checkout.makes("release CONFIRM=true RELEASE_TAG=v1.2.3");
    let released = registry.manifest(NAME, "v1.2.3");
    assert!(checkout.makes("release CONFIRM=true RELEASE_TAG=v1.2.3").contains("there already, of this very commit"));
    checkout.refuses("release CONFIRM=true RELEASE_TAG=v1.2.3 RELEASE_ARCH=s390x", &["what is pushed is for s390x"]);
    assert_eq!(registry.manifest(NAME, "v1.2.3"), released);
    assert_eq!(registry.tags(NAME), in_order(["master", &merged, "v1.2.3"]));

    // Whatever else has changed since was not tested, though it be more than a pipe holds.
    checkout.write("src/main.rs", "changed");
    std::fs::create_dir(checkout.folder().join("docs/more")).unwrap();
    for n in 0..3_000 {
        checkout.write(&format!("docs/more/a-page-with-a-long-name-{n}.md"), "# More\n");
    }
    checkout.makes("prerelease RELEASE_TAG=v1.2.4");
    checkout.commit("v1.2.4, with more in it");
    checkout.git(&["tag", "v1.2.4"]);
    checkout.refuses("release CONFIRM=true RELEASE_TAG=v1.2.4", &["make ci"]);

    // A tag that was moved: what clusters have pulled by that name stays.
    checkout.git(&["checkout", "--quiet", "v1.2.3"]);
    checkout.write("README.md", "changed");
    checkout.commit("v1.2.3, once more");
    checkout.git(&["tag", "--force", "v1.2.3"]);
    checkout.refuses("release CONFIRM=true RELEASE_TAG=v1.2.3", &["never changed"]);
    assert_eq!(registry.manifest(NAME, "v1.2.3"), released);
    checkout.git(&["checkout", "--quiet", "HEAD~1"]);

    what_arrived(&registry, &checkout);
    what_it_does(&registry);
    what_is_applied(&registry, &checkout);
}

fn in_order<const N: usize>(mut tags: [&str; N]) -> [&str; N] {
    tags.sort_unstable();
    tags
}

/// The image is small, has one program in it, and says what it is of.
fn what_arrived(registry: &Registry, checkout: &Checkout) {
    let manifest = registry.manifest(NAME, "v1.2.3");
    let layers = manifest["layers"].as_array().unwrap();
    let packed: u64 = layers.iter().map(|layer| layer["size"].as_u64().unwrap()).sum();
    let config = registry.config(NAME, "v1.2.3");
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(config["Entrypoint"], json!(["/packet-cloud-controller-manager"]));
    let labels = &config["Labels"];
    assert_eq!((&labels[VERSION], &labels[REVISION]), (&json!("1.2.3"), &json!(checkout.head())));
    assert_eq!(labels["org.opencontainers.image.licenses"], "Apache-2.0");

    let image = Image::pull(&format!("{}/{NAME}:v1.2.3", registry.address));
    let certificates = "/etc/ssl/certs/ca-certificates.crt";
    let program = "/packet-cloud-controller-manager";
    assert_eq!(image.files(), ["/LICENSE", "/THIRD-PARTY-NOTICES.txt", certificates, program]);
    let other_name = std::fs::read_link(image.root().join("cloud-provider-equinix-metal")).unwrap();
    assert_eq!(other_name, Path::new("packet-cloud-controller-manager"));
    let size = |path: &str| std::fs::metadata(image.root().join(&path[1..])).unwrap().len();
    let unpacked: u64 = image.files().iter().map(|path| size(path)).sum();
    println!("image: {packed} bytes packed, {unpacked} unpacked; binary: {} bytes", size(program));
    assert!(unpacked < MOST_BYTES, "{unpacked} bytes");
    let read = |path: &str| std::fs::read_to_string(image.root().join(&path[1..])).unwrap();
    assert!(read(certificates).matches("BEGIN CERTIFICATE").count() > 100);
    assert!(read("/THIRD-PARTY-NOTICES.txt").contains("rustls"));

    let told = Command::new(image.root().join(&program[1..])).arg("--version").output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains("1.2.3"), "{told}");
    // Nothing to link with at the start: there is no library in the image.
    let linked = Command::new("ldd").arg(image.root().join(&program[1..])).output().unwrap();
    let linked = String::from_utf8_lossy(&[linked.stdout, linked.stderr].concat()).into_owned();
    assert!(linked.contains("statically linked") || linked.contains("not a dynamic"), "{linked}");
}

/// The image runs as nobody on a root that cannot be written to, answers its probes, and looks after Nodes.
fn what_it_does(registry: &Registry) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (packet, kubernetes) = runtime.block_on(async {
        (packet_api_server::Server::start().await.unwrap(), kube_api_server::Server::start().await.unwrap())
    });
    let project = packet.project_id().to_string();
    packet.store().create_device(DeviceSpec::new("worker-1"));
    kubernetes.store().create_node(NodeSpec::new("worker-1")).unwrap();

    let image = Image::pull(&format!("{}/{NAME}:v1.2.3", registry.address));
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (master, serving) = (format!("--master={}", kubernetes.url()), format!("--secure-port={port}"));
    let log = target().join("pipeline/program.log");
    let variables =
        [("METAL_API_KEY", packet.token()), ("METAL_PROJECT_ID", &project), ("METAL_BASE_URL", &packet.url())];
    let flags = ["--cloud-provider=equinixmetal", &master, &serving, "--bind-address=127.0.0.1"];
    let container = image.run(&flags, &variables, &log);

    for path in ["livez", "readyz"] {
        wait_for(&log, path, || answer(port, path).as_deref() == Some("ok"));
    }
    let is_tainted = |node: &Value| {
        node["spec"]["taints"].as_array().is_some_and(|taints| {
            taints.iter().any(|taint| taint["key"] == "node.cloudprovider.kubernetes.io/uninitialized")
        })
    };
    wait_for(&log, "an initialised Node", || !is_tainted(&kubernetes.store().node("worker-1").unwrap()));
    assert_eq!(container.users(), "65532 65532 65532 65532");
    assert_eq!(container.terminate(), Some(0), "{}", std::fs::read_to_string(&log).unwrap());
}

/// What a probe is answered.
fn answer(port: u16, path: &str) -> Option<String> {
    let url = format!("https://127.0.0.1:{port}/{path}");
    let output = Command::new("curl").args(["--silent", "--insecure", &url]).output().unwrap();
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn wait_for(log: &Path, what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "{what} does not come: {}", std::fs::read_to_string(log).unwrap());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A real API server takes the files of the release as they are.
fn what_is_applied(registry: &Registry, checkout: &Checkout) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        for file in ["deployment.yaml", "daemonset.yaml"] {
            let control_plane = ControlPlane::start().await.unwrap();
            let manifest = checkout.read(&format!("deploy/releases/v1.2.3/{file}"));
            assert!(manifest.contains(&format!("image: {}/{NAME}:v1.2.3\n", registry.address)));
            control_plane.apply(&manifest).await.unwrap();
        }
    });
}
