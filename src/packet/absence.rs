//! The proof that a device is gone, without which nothing that stands for it is deleted.

use std::time::Duration;

use tokio::time::Instant;

use super::device::Device;
use super::error::Error;
use super::identity::DeviceId;
use super::lookup::{Answer, LookupError};
use super::request::PlainReply;

/// For how long a proof may be used. The id of a device is never given to another, so it does not wear off; but what waits for
/// long in a queue had better be looked at again.
const GOOD_FOR: Duration = Duration::from_mins(5);

/// The proof that a device is gone: the API said so in its own words to a question about its id, and the same credentials
/// read the project after that. So it was the API that answered, not a proxy before it, and it was not for a lack of rights
/// that it did not show the device.
///
/// Nothing but [`Absence::prove`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absence {
    device: DeviceId,
    known_at: Instant,
}

/// Why a device is not proven to be gone.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NotGone {
    /// It is there.
    #[error("the device is there")]
    Exists(std::sync::Arc<Device>),
    /// It could not be asked for.
    #[error("{0}")]
    NotTold(LookupError),
    /// The project could not be read, so that it says nothing that the device was not found.
    #[error("the project could not be read after it: {0}")]
    ProjectUnread(Error),
    /// Its id has not the form of today's ids, and so may be unknown to the API for that alone.
    #[error(
        "{0} is no uuid, and the API may not know a device by it though the device is there; correct the Node's provider ID, or delete the Node by hand"
    )]
    NoUuid(DeviceId),
    /// The token was changed meanwhile, so that not all was asked with the same credentials.
    #[error("the token was changed while it was asked; it is asked again")]
    CredentialsChanged,
    /// Another project was read.
    #[error(
        "the API answered with the project {0} in place of the one that is set; check base-url and any proxy on the way"
    )]
    AnotherProject(Box<str>),
}

impl Absence {
    /// Proves that `device` is gone by the answer to a question that was put for this alone and answered by `known_at`, and by
    /// what came of reading the project `own` with the same credentials after that.
    ///
    /// # Errors
    /// When either says otherwise, or says nothing.
    pub fn prove(
        device: DeviceId,
        known_at: Instant,
        answer: &Answer,
        own: &str,
        project: &Result<PlainReply, Error>,
    ) -> Result<Self, NotGone> {
        match answer {
            Err(LookupError::NoSuchId(id)) if *id == device && !id.is_uuid() => return Err(NotGone::NoUuid(device)),
            Err(LookupError::NoSuchId(id)) if *id == device => {}
            Ok(device) => return Err(NotGone::Exists(device.clone())),
            Err(error) => return Err(NotGone::NotTold(error.clone())),
        }
        match project {
            Ok(PlainReply::Project(id)) if id.eq_ignore_ascii_case(own) => Ok(Self { device, known_at }),
            Ok(PlainReply::Project(id)) => Err(NotGone::AnotherProject(id.chars().take(64).collect::<String>().into())),
            Ok(_) => Err(NotGone::AnotherProject("of another answer".into())),
            Err(error) => Err(NotGone::ProjectUnread(error.clone())),
        }
    }

    /// The device that is gone.
    #[must_use]
    pub fn device(&self) -> &DeviceId {
        &self.device
    }

    /// Whether it may still be acted on.
    #[must_use]
    pub fn is_good(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.known_at) <= GOOD_FOR
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use std::sync::Arc;

    const PROJECT: &str = "93ecc1d0-4a5b-4c7e-9d3a-1f6b7c8e5a20";

    fn device() -> DeviceId {
        DeviceId::parse("7f0c2f5e-58a1-4a3e-9d3c-3b8e5a3c1d20").unwrap()
    }

    fn prove(answer: &Answer, project: &Result<PlainReply, Error>) -> Result<Absence, NotGone> {
        Absence::prove(device(), Instant::now(), answer, PROJECT, project)
    }

    fn project() -> PlainReply {
        PlainReply::Project(PROJECT.to_uppercase().into())
    }

    #[test]
    fn a_device_is_gone_when_the_api_says_so_and_shows_the_project() {
        let proof = prove(&Err(LookupError::NoSuchId(device())), &Ok(project())).unwrap();
        assert_eq!(*proof.device(), device());
    }

    #[test]
    fn nothing_else_is_a_proof() {
        let gone = Err(LookupError::NoSuchId(device()));
        let request: Box<str> = "GET".into();
        let errors = [
            Error::NotFound { request: request.clone(), said: "Not found".into() },
            Error::ForeignNotFound { request: request.clone() },
            Error::Unauthorized { request: request.clone(), said: "".into() },
            Error::Forbidden { request, said: "".into() },
        ];
        for error in errors {
            assert_eq!(prove(&gone, &Err(error.clone())), Err(NotGone::ProjectUnread(error.clone())));
            assert!(matches!(prove(&Err(LookupError::Api(error)), &Ok(project())), Err(NotGone::NotTold(_))));
        }
        let other = Err(LookupError::NoSuchId(DeviceId::parse("d2").unwrap()));
        assert!(matches!(prove(&other, &Ok(project())), Err(NotGone::NotTold(_))));
        let there = Ok(Arc::new(Device::named("d1", "node")));
        assert!(matches!(prove(&there, &Ok(project())), Err(NotGone::Exists(_))));
        let short = DeviceId::parse("7f0c2f5e").unwrap();
        let unknown = Err(LookupError::NoSuchId(short.clone()));
        let proof = Absence::prove(short.clone(), Instant::now(), &unknown, PROJECT, &Ok(project()));
        assert_eq!(proof, Err(NotGone::NoUuid(short)));
        let elsewhere = Ok(PlainReply::Project("another".into()));
        assert!(matches!(prove(&gone, &elsewhere), Err(NotGone::AnotherProject(_))));
    }

    #[test]
    fn a_proof_is_not_acted_on_long_after() {
        let now = Instant::now();
        let proof = Absence { device: device(), known_at: now };
        assert!(proof.is_good(now + GOOD_FOR) && !proof.is_good(now + GOOD_FOR + Duration::from_millis(1)));
    }
}
