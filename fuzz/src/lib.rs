//! What more than one target needs.

use std::num::NonZeroU32;

use packet_cloud_controller_manager::packet::{Client, Connection};
use secrecy::SecretString;

/// The token of [`client`].
pub const TOKEN: &str = "s3cret-token";

/// A client of the Packet API, to be made before the first input comes: it reads this machine's CA certificates.
///
/// # Panics
/// Where this machine has none.
#[must_use]
pub fn client() -> Client {
    let base_url = "https://api.example/metal/v1/".parse().expect("a URL");
    let connection = Connection { base_url, project: "p".to_owned(), token: SecretString::from(TOKEN) };
    Client::new(connection).expect("a client, for which CA certificates have to be installed")
}

/// A number that is known not to be zero.
///
/// # Panics
/// Where it is, while it is compiled.
#[must_use]
pub const fn not_zero(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("not zero")
}
