//! What an operator sees who starts the program wrongly.

use std::io::Write;
use std::process::Output;

use crate::program::{output, program};

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
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
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("--cloud-provider"), "{}", said(&output));
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
        (vec!["--cloud-provider=packet"], "no --kubeconfig is given"),
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
