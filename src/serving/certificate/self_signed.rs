//! A certificate that the program makes and signs itself.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, date_time_ymd};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

use super::pair::{Pair, PairError};

/// For how long it is valid, as upstream's is.
const VALID_FOR: Duration = Duration::from_hours(365 * 24);
/// For how long it has been valid when it is made: clocks of clients go wrong by minutes.
const VALID_BEFORE: Duration = Duration::from_hours(1);
/// How long before it expires it is replaced. No client can tell, as none trusts it by itself.
pub(super) const RENEWED_BEFORE: Duration = Duration::from_hours(30 * 24);

/// Makes one for these names, with a key of its own (ECDSA on P-256, which every client has).
pub(super) fn make(names: &[String], now: SystemTime) -> Result<Pair, PairError> {
    let failed = |error: rcgen::Error| PairError::Own(error.to_string());
    let since_1970 =
        now.duration_since(UNIX_EPOCH).map_err(|_| PairError::Own("the clock is before 1970".to_owned()))?;
    let made = date_time_ymd(1970, 1, 1) + since_1970;

    let mut params = CertificateParams::new(names).map_err(failed)?;
    params.not_before = made - VALID_BEFORE;
    params.not_after = made + VALID_FOR;
    params.distinguished_name.push(DnType::CommonName, "packet-cloud-controller-manager");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = params.self_signed(&key).map_err(failed)?;

    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = CertifiedKey::from_der(vec![certificate.der().clone()], key, &default_provider());
    let key = key.map_err(|error| PairError::Own(error.to_string()))?;
    Ok(Pair { key, expires_at: params.not_after.unix_timestamp() })
}
