//! A real registry on this machine: Debian's `docker-registry`.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Longer than it takes to start, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Registry {
    process: Child,
    /// Its address, as it stands before an image's name.
    pub(crate) address: String,
    _folder: TempDir,
}

impl Registry {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (address, path) = (format!("127.0.0.1:{port}"), folder.path().join("config.yml"));
        let storage = folder.path().join("images");
        let config = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\nhttp: {{addr: '{address}'}}\n\
             storage: {{filesystem: {{rootdirectory: '{}'}}}}\n",
            storage.display()
        );
        std::fs::write(&path, config).unwrap();
        let process =
            Command::new("docker-registry").arg("serve").arg(&path).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let process = process.expect("docker-registry is installed: apt-get install docker-registry");
        let registry = Self { process, address, _folder: folder };
        let begin = Instant::now();
        while registry.asked("").is_none() {
            assert!(begin.elapsed() < PATIENCE, "the registry does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        registry
    }

    /// What the registry answers: <https://github.com/opencontainers/distribution-spec>.
    fn asked(&self, path: &str) -> Option<Value> {
        let url = format!("http://{}/v2/{path}", self.address);
        let accept =
            "Accept: application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
        let output =
            Command::new("curl").args(["--silent", "--fail", "--location", "--header", accept, &url]).output().unwrap();
        output.status.success().then(|| serde_json::from_slice(&output.stdout).unwrap())
    }

    /// The tags of an image, in order; none where there is no such image.
    pub(crate) fn tags(&self, image: &str) -> Vec<String> {
        let Some(answer) = self.asked(&format!("{image}/tags/list")) else { return Vec::new() };
        let mut tags: Vec<String> =
            answer["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap().into()).collect();
        tags.sort();
        tags
    }

    pub(crate) fn manifest(&self, image: &str, tag: &str) -> Value {
        self.asked(&format!("{image}/manifests/{tag}")).unwrap_or_else(|| panic!("there is no {image}:{tag}"))
    }

    /// How an image is run, and its labels.
    pub(crate) fn config(&self, image: &str, tag: &str) -> Value {
        let manifest = self.manifest(image, tag);
        self.asked(&format!("{image}/blobs/{}", manifest["config"]["digest"].as_str().unwrap())).unwrap()["config"]
            .clone()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _waited = self.process.wait();
    }
}
