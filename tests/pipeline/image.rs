//! An image as it came out of a registry: what is in it, and how it runs.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Starts a program as the image's user on a root that nobody can write to, in network and processes of this machine: what a
/// kubelet does of `readOnlyRootFilesystem` and `hostNetwork`, by what every Linux has. /proc and these devices every container has:
/// <https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md>. Arguments: the root, `uid:gid`, the command.
const RUN: &str = r#"
set -eu
root=$1 user=$2
shift 2
mount --bind "$root" "$root"
mkdir -p "$root/proc" "$root/dev"
mount -t proc proc "$root/proc"
for device in null zero full random urandom; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mount -o remount,bind,ro "$root"
exec chroot --userspec="$user" --groups= "$root" "$@"
"#;

/// An unpacked image.
pub(crate) struct Image {
    folder: TempDir,
    config: Value,
}

/// A running image, which ends with it.
pub(crate) struct Container(Child);

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Image {
    /// Pulls it, by its name with registry and tag, from a registry without TLS.
    pub(crate) fn pull(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (pulled, root) = (folder.path().join("pulled"), folder.path().join("root"));
        let to = format!("dir:{}", pulled.display());
        run(Command::new("skopeo").args([
            "copy",
            "--quiet",
            "--src-tls-verify=false",
            &format!("docker://{name}"),
            &to,
        ]));
        let blob = |digest: &Value| pulled.join(digest.as_str().unwrap().trim_start_matches("sha256:"));
        let read = |path: &Path| serde_json::from_slice::<Value>(&std::fs::read(path).unwrap()).unwrap();
        let manifest = read(&pulled.join("manifest.json"));
        std::fs::create_dir(&root).unwrap();
        for layer in manifest["layers"].as_array().unwrap() {
            run(Command::new("tar").arg("-xzpf").arg(blob(&layer["digest"])).arg("-C").arg(&root));
        }
        let config = read(&blob(&manifest["config"]["digest"]))["config"].clone();
        // The user is another one, and has to be able to enter.
        for path in [folder.path(), &root] {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { folder, config }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// The paths of all files, in order.
    pub(crate) fn files(&self) -> Vec<String> {
        let listed = Command::new("find").args([".", "-type", "f"]).current_dir(self.root()).output().unwrap();
        let mut files: Vec<String> =
            String::from_utf8(listed.stdout).unwrap().lines().map(|path| path.trim_start_matches('.').into()).collect();
        files.sort();
        files
    }

    /// Runs it as its configuration says, with further arguments.
    pub(crate) fn run(&self, arguments: &[&str], variables: &[(&str, &str)], log: &Path) -> Container {
        let user = self.config["User"].as_str().unwrap();
        let entry = self.config["Entrypoint"].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
        let log = std::fs::File::create(log).unwrap();
        let mut command = Command::new("unshare");
        command.args(["--mount", "bash", "-c", RUN, "bash"]).arg(self.root()).arg(user).args(entry).args(arguments);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).envs(variables.iter().copied());
        Container(command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap())
    }
}

impl Container {
    /// Sends SIGTERM, and answers the exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        run(Command::new("kill").arg(self.0.id().to_string()).stdout(Stdio::null()));
        self.0.wait().unwrap().code()
    }

    /// The user ids that it has, as the kernel tells them.
    pub(crate) fn users(&self) -> String {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _waited = self.0.wait();
    }
}
