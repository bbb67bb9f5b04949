//! A client certificate says who asks, if it is of the authority that the settings or the cluster name.

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};

use crate::served::{Reviewer, client};
use crate::support::until;

/// An authority that signs client certificates.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// A client with a certificate.
    fn client(&self, name: &str, group: &str) -> reqwest::Client {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.distinguished_name.push(DnType::OrganizationName, group);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let pem = params.signed_by(&key, &self.issuer).unwrap().pem() + &key.serialize_pem();
        client(|builder| builder.identity(reqwest::Identity::from_pem(pem.as_bytes()).unwrap()))
    }
}

#[tokio::test]
async fn a_client_certificate_says_who_asks() {
    let (reviewer, folder) = (Reviewer::start().await, tempfile::tempdir().unwrap());
    let (authority, other) = (Authority::new(), Authority::new());
    let file = folder.path().join("ca.crt");
    std::fs::write(&file, &authority.pem).unwrap();
    let served = reviewer.serve(|settings| settings.authentication.client_ca = Some(file.clone())).await;
    let (admin, jane) = (authority.client("admin", "system:masters"), authority.client("jane", "dev"));
    let (status, body) = served.get_by(&admin, "/whoami", None).await;
    assert_eq!((status, body.as_str()), (200, "admin of system:masters,system:authenticated"));
    assert_eq!(served.get_by(&jane, "/metrics", None).await.0, 403);
    assert_eq!(served.get_by(&admin, "/metrics", Some("s3cret")).await.0, 200, "the certificate comes first");

    let mallory = other.client("admin", "system:masters");
    assert_eq!(served.get_by(&mallory, "/metrics", None).await.0, 401);
    assert_eq!(served.get_by(&mallory, "/metrics", Some("of-prometheus")).await.0, 200, "a good token helps");
    assert_eq!(served.get_by(&mallory, "/metrics", Some("s3cret")).await.0, 401);
    assert_eq!(served.get_by(&mallory, "/healthz", None).await.0, 200);
    assert_eq!(reviewer.looked_up_authority(), 0, "that of the file is the only one");

    // The file is another one soon, for connections that are there already as well.
    std::fs::write(&file, &other.pem).unwrap();
    while served.get_by(&mallory, "/metrics", None).await.0 != 200 {}
    assert_eq!(served.get_by(&admin, "/metrics", None).await.0, 401);
}

#[tokio::test]
async fn the_authority_of_client_certificates_is_looked_up_in_the_cluster() {
    let reviewer = Reviewer::start().await;
    let authority = Authority::new();
    reviewer.learn(|knowledge| knowledge.client_ca = Some(authority.pem.clone()));
    let served = reviewer.serve(|_| {}).await;
    let admin = authority.client("admin", "system:masters");
    while served.get_by(&admin, "/metrics", None).await.0 != 200 {}

    let skipping = reviewer.serve(|settings| settings.authentication.skip_lookup = true).await;
    assert_eq!(skipping.get_by(&admin, "/metrics", None).await.0, 403, "anonymous, as nobody is believed");
    assert_eq!(reviewer.looked_up_authority(), 1);
}

#[tokio::test]
async fn a_cluster_without_an_authority_is_asked_again() {
    let reviewer = Reviewer::start().await;
    let served = reviewer.serve(|_| {}).await;
    until("the authority to be looked up again", || (reviewer.looked_up_authority() > 1).then_some(())).await;
    let admin = Authority::new().client("admin", "system:masters");
    assert_eq!(served.get_by(&admin, "/metrics", None).await.0, 403, "anonymous, as nobody is believed");
}
