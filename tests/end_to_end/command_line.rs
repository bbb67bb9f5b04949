//! What an operator sees who starts the program wrongly.

use std::io::Write;
use std::process::Output;

use crate::program::{output, program};

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What the program prints that has nothing else to do.
async fn printed(flags: &[&str]) -> String {
    let output = output(program(flags)).await;
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn without_credentials_it_ends_and_names_every_place_they_were_looked_for() {
    let output = output(program(&["--cloud-provider=packet"])).await;
    assert_eq!(output.status.code(), Some(1));
    for place in
        ["METAL_API_KEY", "PACKET_AUTH_TOKEN", "`apiKey`", "METAL_PROJECT_ID", "PACKET_PROJECT_ID", "`projectID`"]
    {
        assert!(said(&output).contains(place), "{}", said(&output));
    }
}

#[tokio::test]
async fn an_unknown_provider_is_answered_with_the_two_names() {
    let mut command = program(&["--cloud-provider=aws"]);
    command.env("METAL_API_KEY", "t").env("METAL_PROJECT_ID", "p");
    let output = output(command).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("--cloud-provider is `aws`; expected packet or equinixmetal"), "{}", said(&output));
}

#[tokio::test]
async fn an_unknown_flag_is_an_error_with_the_nearest() {
    let output = output(program(&["--cloud-provder=packet"])).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("a similar argument exists: '--cloud-provider'"), "{}", said(&output));
}

#[tokio::test]
async fn a_trailing_comma_in_the_file_is_named_by_line_and_column_and_shows_no_secret() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"{\n  \"apiKey\": \"tops3cret\",\n  \"projectID\": \"p\",\n}\n").unwrap();
    let flag = format!("--cloud-config={}", file.path().display());
    let output = output(program(&["--cloud-provider=packet", &flag])).await;
    assert_eq!(output.status.code(), Some(1));
    let said = said(&output);
    assert!(said.contains(&file.path().display().to_string()) && said.contains("line 4 column 1"), "{said}");
    assert!(!said.contains("tops3cret"), "{said}");
}

#[tokio::test]
async fn without_a_cluster_it_ends_and_says_how_to_name_one() {
    for (flags, expected) in [
        (vec!["--cloud-provider=packet"], "no --kubeconfig and no --master is given"),
        (vec!["--cloud-provider=packet", "--kubeconfig=/nowhere/kubeconfig"], "cannot use /nowhere/kubeconfig"),
    ] {
        let mut command = program(&flags);
        command.env("PACKET_AUTH_TOKEN", "t").env("PACKET_PROJECT_ID", "p");
        let output = output(command).await;
        assert_eq!(output.status.code(), Some(1));
        assert!(said(&output).contains(expected), "{}", said(&output));
    }
}

#[tokio::test]
async fn help_and_version_are_answered() {
    let help = output(program(&["--help"])).await;
    let text = String::from_utf8_lossy(&help.stdout).into_owned();
    assert!(help.status.success() && text.contains("--cloud-provider") && text.contains("Example:"), "{text}");
    let version = output(program(&["--version"])).await;
    assert!(String::from_utf8_lossy(&version.stdout).contains(env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn help_in_full_names_the_flags_without_effect_and_the_short_one_does_not() {
    let full = printed(&["--help"]).await;
    assert!(full.contains("Accepted without effect") && full.contains("--alsologtostderr"), "{full}");
    let short = printed(&["-h"]).await;
    assert!(short.contains("--leader-elect") && !short.contains("--alsologtostderr"), "{short}");
    for heading in ["Packet:", "Generic:", "Leader election:", "Secure serving:", "Authentication:", "Global:"] {
        assert!(full.contains(heading) && short.contains(heading), "{heading}");
    }
}

#[tokio::test]
async fn the_version_has_the_forms_of_kubernetes_programs() {
    let version = env!("CARGO_PKG_VERSION");
    for flag in ["--version", "--version=true", "-V"] {
        assert_eq!(printed(&[flag]).await, format!("packet-cloud-controller-manager {version}\n"));
    }
    let raw = printed(&["--version=raw"]).await;
    assert!(raw.starts_with("version.Info{") && raw.contains(&format!("GitVersion:\"v{version}\"")), "{raw}");
}

#[tokio::test]
async fn shells_are_told_how_to_complete_and_man_gets_its_page() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = printed(&["completions", shell]).await;
        assert!(script.contains("leader-elect-lease-duration"), "{shell}: {script}");
    }
    assert!(printed(&["man"]).await.contains(".TH packet-cloud-controller-manager"));
    let output = output(program(&["completions", "tcsh"])).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("zsh"), "{}", said(&output));
}

#[tokio::test]
async fn the_command_lines_of_both_programs_need_nothing_but_a_cluster() {
    let packet = ["--cloud-provider=packet", "--leader-elect=false", "--allow-untagged-cloud=true"];
    let packet = [&packet[..], &["--authentication-skip-lookup=true"]].concat();
    let metal = ["--cloud-provider=equinixmetal", "--leader-elect=true", "--authentication-skip-lookup=true"];
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(br#"{"apiKey": "t", "projectID": "p"}"#).unwrap();
    for name in ["--cloud-config", "--provider-config", "--cloud_config"] {
        let flag = format!("{name}={}", file.path().display());
        for flags in [&packet[..], &metal[..]] {
            let output = output(program(&[flags, &[flag.as_str()]].concat())).await;
            assert!(said(&output).contains("no --kubeconfig and no --master is given"), "{}", said(&output));
        }
    }
}

#[tokio::test]
async fn everything_that_is_wrong_with_the_flags_is_said_at_once() {
    let flags =
        ["--cloud-provider=aws", "--controllers=foo", "--tls-cert-file=/x", "--leader-elect-lease-duration=10s"];
    let output = output(program(&flags)).await;
    assert_eq!(output.status.code(), Some(1));
    for part in
        ["--cloud-provider is `aws`", "`foo`", "--tls-private-key-file beside it", "--leader-elect-renew-deadline"]
    {
        assert!(said(&output).contains(part), "{part}: {}", said(&output));
    }
}

#[tokio::test]
async fn a_value_that_a_blank_parts_from_what_is_true_or_false_is_explained() {
    let output = output(program(&["--cloud-provider=packet", "--leader-elect", "false"])).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("--flag=false"), "{}", said(&output));
}
