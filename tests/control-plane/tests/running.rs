//! Starting a control plane, using it, and being rid of it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use control_plane::{ControlPlane, Error};
use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::api::PostParams;
use kube::config::Kubeconfig;

fn node(name: &str) -> Node {
    let mut node = Node::default();
    node.metadata.name = Some(name.to_owned());
    node
}

/// The command lines of every process that mentions this folder.
fn processes_of(folder: &Path) -> Vec<String> {
    let listing = Command::new("ps").args(["-eo", "args="]).output().unwrap();
    let listing = String::from_utf8_lossy(&listing.stdout).into_owned();
    listing.lines().filter(|line| line.contains(&folder.display().to_string())).map(str::to_owned).collect()
}

fn address_of(url: &str) -> SocketAddr {
    url.strip_prefix("https://").unwrap().parse().unwrap()
}

#[tokio::test]
async fn two_control_planes_run_side_by_side_and_share_nothing() {
    let (one, other) = tokio::try_join!(ControlPlane::start(), ControlPlane::start()).unwrap();

    Api::<Node>::all(one.client()).create(&PostParams::default(), &node("ewr1-worker-1")).await.unwrap();
    assert!(Api::<Node>::all(one.client()).get_opt("ewr1-worker-1").await.unwrap().is_some());
    assert!(Api::<Node>::all(other.client()).get_opt("ewr1-worker-1").await.unwrap().is_none());

    let stranger = one.client_for(&one.kubeconfig_with_token(other.admin_token())).await.unwrap();
    let refused = Api::<Node>::all(stranger).get("ewr1-worker-1").await.unwrap_err();
    assert!(matches!(&refused, kube::Error::Api(status) if status.code == 401), "{refused:?}");

    let swapped = one.kubeconfig().replace(&one.url(), &other.url());
    let distrusting = one.client_for(&swapped).await.unwrap();
    let refused = Api::<Node>::all(distrusting).get("ewr1-worker-1").await.unwrap_err();
    assert!(!matches!(refused, kube::Error::Api(_)), "a server of another authority was trusted: {refused:?}");
}

#[tokio::test]
async fn a_dropped_control_plane_leaves_no_process_no_port_and_no_folder() {
    let control_plane = ControlPlane::start().await.unwrap();
    let (folder, address) = (control_plane.folder().to_owned(), address_of(&control_plane.url()));
    assert!(!processes_of(&folder).is_empty(), "nothing would be proved");

    drop(control_plane);

    assert_eq!(processes_of(&folder), Vec::<String>::new());
    TcpStream::connect(address).unwrap_err();
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_panicking_test_takes_its_control_plane_along() {
    let control_plane = ControlPlane::start().await.unwrap();
    let folder = control_plane.folder().to_owned();

    let panicked = tokio::spawn(async move {
        let _mine = control_plane;
        panic!("as a failed assertion would");
    });
    assert!(panicked.await.unwrap_err().is_panic());

    assert_eq!(processes_of(&folder), Vec::<String>::new());
    assert!(!folder.exists());
}

#[test]
fn the_servers_die_with_a_program_that_is_killed() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_control-plane")).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let file = line.trim().strip_prefix("export KUBECONFIG=").expect("the program says how to reach it");
    let kubeconfig = Kubeconfig::read_from(file).unwrap();
    let server = kubeconfig.clusters[0].cluster.as_ref().unwrap().server.clone().unwrap();
    let folder = Path::new(file).parent().unwrap();
    TcpStream::connect(address_of(&server)).expect("it runs");

    program.kill().unwrap();
    program.wait().unwrap();

    let deadline = Instant::now() + Duration::from_mins(1);
    while !processes_of(folder).is_empty() || TcpStream::connect(address_of(&server)).is_ok() {
        assert!(Instant::now() < deadline, "still there: {:?}", processes_of(folder));
        std::thread::yield_now();
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_server_that_fails_to_start_shows_the_end_of_its_log() {
    let binaries = tempfile::tempdir().unwrap();
    // It complains of flags that it does not know, as an etcd of another version would.
    std::os::unix::fs::symlink("/bin/cat", binaries.path().join("etcd")).unwrap();

    let error = ControlPlane::start_from(binaries.path()).await.unwrap_err();

    assert!(matches!(&error, Error::Ended { server: "etcd", status, .. } if status.code() == Some(1)), "{error:?}");
    assert!(error.to_string().contains("option"), "{error}");
}
