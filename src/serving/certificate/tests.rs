//! Certificates as files bring them, and those that the program makes.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::*;

/// Writes a new pair into a folder, and answers the certificate.
fn write_pair(folder: &Path) -> Vec<u8> {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    fs::write(folder.join("tls.crt"), certificate.pem()).unwrap();
    fs::write(folder.join("tls.key"), key.serialize_pem()).unwrap();
    certificate.der().to_vec()
}

fn files(folder: &Path) -> CertificateFiles {
    CertificateFiles { chain: folder.join("tls.crt"), key: folder.join("tls.key") }
}

fn served(certificate: &ServerCertificate) -> Vec<u8> {
    certificate.current.read().unwrap().key.cert[0].to_vec()
}

/// Looks at the files once, as happens every second.
async fn look(certificate: &ServerCertificate) {
    let Source::Files { files, standing } = &certificate.source else { panic!("it is of no files") };
    match certificate.reload(files).await {
        Ok(()) => standing.works(),
        Err(error) => standing.failed(&error.to_string()),
    }
}

fn of_files(folder: &TempDir) -> (Vec<u8>, ServerCertificate) {
    let first = write_pair(folder.path());
    (first, ServerCertificate::of_files(files(folder.path())).unwrap())
}

#[tokio::test]
async fn files_that_are_written_anew_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (first, certificate) = of_files(&folder);
    look(&certificate).await;
    assert_eq!(served(&certificate), first);
    let second = write_pair(folder.path());
    look(&certificate).await;
    assert_eq!(served(&certificate), second);
}

#[tokio::test]
async fn a_symlink_that_is_led_elsewhere_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["1", "2"] {
        fs::create_dir(at(name)).unwrap();
    }
    let (first, second) = (write_pair(&at("1")), write_pair(&at("2")));
    // As a kubelet keeps the files of a Secret: they are links into `..data`, which is a link that it replaces at once.
    std::os::unix::fs::symlink("1", at("..data")).unwrap();
    for file in ["tls.crt", "tls.key"] {
        std::os::unix::fs::symlink(Path::new("..data").join(file), at(file)).unwrap();
    }
    let certificate = ServerCertificate::of_files(files(folder.path())).unwrap();
    assert_eq!(served(&certificate), first);
    std::os::unix::fs::symlink("2", at("..data_tmp")).unwrap();
    fs::rename(at("..data_tmp"), at("..data")).unwrap();
    look(&certificate).await;
    assert_eq!(served(&certificate), second);
}

#[tokio::test]
async fn files_that_are_gone_are_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let (first, certificate) = of_files(&folder);
    fs::remove_file(folder.path().join("tls.crt")).unwrap();
    look(&certificate).await;
    assert_eq!(served(&certificate), first);
    assert!(certificate.state().reload_error.unwrap().contains("tls.crt: No such file"));
    let second = write_pair(folder.path());
    look(&certificate).await;
    assert_eq!((served(&certificate), certificate.state().reload_error), (second, None));
}

#[tokio::test]
async fn a_pair_that_is_half_written_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (first, certificate) = of_files(&folder);
    let key = fs::read(folder.path().join("tls.key")).unwrap();
    let second = write_pair(folder.path());
    let new_key = fs::read(folder.path().join("tls.key")).unwrap();
    for (broken, said) in [
        (key.as_slice(), "is not that of the first certificate"),
        (&new_key[..60], "no private key in PEM"),
        (b"", "no private key in PEM"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "cannot be used"),
    ] {
        fs::write(folder.path().join("tls.key"), broken).unwrap();
        look(&certificate).await;
        assert_eq!(served(&certificate), first);
        let error = certificate.state().reload_error.unwrap();
        assert!(error.contains(said) && !error.contains("AAAA"), "{error}");
    }
    fs::write(folder.path().join("tls.key"), new_key).unwrap();
    look(&certificate).await;
    assert_eq!(served(&certificate), second);
}

#[test]
fn files_that_cannot_be_used_are_an_error_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(ServerCertificate::of_files(files(folder.path())), Err(PairError::Unread { .. })));
    write_pair(folder.path());
    for (file, content, said) in [
        ("tls.crt", "", "has no certificate in PEM"),
        ("tls.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "has no certificate in PEM"),
        ("tls.key", "nonsense", "has no private key in PEM"),
    ] {
        write_pair(folder.path());
        fs::write(folder.path().join(file), content).unwrap();
        let error = ServerCertificate::of_files(files(folder.path())).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn our_own_is_for_this_machine_and_valid_for_a_year() {
    let names = own_names([192, 0, 2, 1].into());
    let certificate = ServerCertificate::of_our_own(names.clone()).unwrap();
    let der = served(&certificate);
    let (_, parsed) = X509Certificate::from_der(&der).unwrap();
    let alternative = parsed.subject_alternative_name().unwrap().unwrap();
    let of_host = alternative.value.general_names.iter().filter(|name| matches!(name, GeneralName::DNSName(_))).count();
    let addresses: Vec<_> = alternative
        .value
        .general_names
        .iter()
        .filter_map(|name| if let GeneralName::IPAddress(address) = name { Some(address.to_vec()) } else { None })
        .collect();
    assert_eq!(of_host + addresses.len(), names.len());
    assert!(addresses.contains(&vec![127, 0, 0, 1]) && addresses.contains(&vec![192, 0, 2, 1]));
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
    assert!(parsed.validity().not_before.timestamp() < now - 3000);
    let days = (parsed.validity().not_after.timestamp() - now + 3600) / (24 * 3600);
    assert_eq!((days, certificate.state().expires_at), (365, parsed.validity().not_after.timestamp()));
}

#[test]
fn our_own_is_renewed_in_time() {
    let certificate = ServerCertificate::of_our_own(own_names([0, 0, 0, 0].into())).unwrap();
    let Source::Own { names } = &certificate.source else { panic!("it is not our own") };
    let first = served(&certificate);
    let day = Duration::from_hours(24);
    certificate.renew(names, SystemTime::now() + 334 * day);
    assert_eq!(served(&certificate), first, "a month and a day are left");
    certificate.renew(names, SystemTime::now() + 336 * day);
    assert_ne!(served(&certificate), first);
}

#[test]
fn nothing_of_a_key_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let (_, certificate) = of_files(&folder);
    let printed = format!("{certificate:?}");
    assert!(printed.starts_with("CertificateState { expires_at: "), "{printed}");
}
