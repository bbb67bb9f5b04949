//! The user that a client certificate names (apiserver `x509.CommonNameUserConversion`).

use std::collections::BTreeMap;
use std::fmt::Write;

use ring::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;
use x509_parser::der_parser::oid;
use x509_parser::prelude::{AttributeTypeAndValue, FromDer, X509Certificate};

use super::user::User;

/// Under which key a user's extra says by which certificate it is known.
const CREDENTIAL: &str = "authentication.kubernetes.io/credential-id";

/// The user: the common name, the organisations as its groups. None where there is no name.
///
/// # Errors
/// Says what cannot be read.
pub(super) fn user_of(certificate: &CertificateDer<'_>) -> Result<Option<User>, &'static str> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| "the client certificate cannot be read")?;
    let subject = parsed.subject();
    // Where there are several, the last one, as Go reads it.
    let Some(name) = subject.iter_common_name().filter_map(text).last().filter(|name| !name.is_empty()) else {
        return Ok(None);
    };
    let groups = subject.iter_organization().filter_map(text).collect();
    // Kubernetes' own object identifier for the user's ID.
    let mut uids = subject.iter_by_oid(&oid!(1.3.6.1.4.1.57683.2)).map(text);
    let uid = match (uids.next(), uids.next()) {
        (None, _) => None,
        (Some(Some(uid)), None) if !uid.is_empty() => Some(uid),
        _ => return Err("the client certificate has no proper user ID"),
    };
    let mut id = "X509SHA256=".to_owned();
    for byte in digest(&SHA256, certificate).as_ref() {
        // A text takes whatever is written to it.
        let _ = write!(id, "{byte:02x}");
    }
    Ok(Some(User::authenticated(name, uid, groups, BTreeMap::from([(CREDENTIAL.to_owned(), vec![id])]))))
}

fn text(attribute: &AttributeTypeAndValue<'_>) -> Option<String> {
    attribute.as_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    fn certificate(entries: &[(DnType, &str)]) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, value) in entries {
            params.distinguished_name.push(kind.clone(), *value);
        }
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    #[test]
    fn the_common_name_is_the_user_and_organisations_are_groups() {
        let der = certificate(&[(DnType::OrganizationName, "dev"), (DnType::CommonName, "jane")]);
        let user = user_of(&der).unwrap().unwrap();
        assert_eq!((user.name.as_str(), user.uid), ("jane", None));
        assert_eq!(user.groups, ["dev", "system:authenticated"]);
        assert_eq!(user.extra[CREDENTIAL][0].len(), "X509SHA256=".len() + 64);
    }

    #[test]
    fn a_certificate_without_a_name_names_nobody() {
        assert_eq!(user_of(&certificate(&[(DnType::OrganizationName, "system:masters")])), Ok(None));
        assert_eq!(user_of(&certificate(&[(DnType::CommonName, "")])), Ok(None));
    }

    #[test]
    fn a_user_id_is_read() {
        let kind = || DnType::CustomDnType(vec![1, 3, 6, 1, 4, 1, 57683, 2]);
        let der = certificate(&[(DnType::CommonName, "jane"), (kind(), "7")]);
        assert_eq!(user_of(&der).unwrap().unwrap().uid.as_deref(), Some("7"));
        assert!(user_of(&certificate(&[(DnType::CommonName, "jane"), (kind(), "")])).is_err());
    }

    #[test]
    fn garbage_is_an_error() {
        assert!(user_of(&CertificateDer::from(vec![48, 3, 1, 1, 255])).is_err());
    }
}
