//! `--version` and its forms.

use super::values;

/// How the version is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionForm {
    /// Not at all, `--version=false`.
    No,
    /// `--version`: a line for people.
    Short,
    /// `--version=raw`: all that is known of the build, in the form of Kubernetes' own programs.
    Raw,
}

impl VersionForm {
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        match (text, values::boolean(text)) {
            ("raw", _) => Ok(Self::Raw),
            (_, Ok(true)) => Ok(Self::Short),
            (_, Ok(false)) => Ok(Self::No),
            (_, Err(_)) => Err("expected nothing, true, false or raw"),
        }
    }

    /// What is printed, where the version is asked for.
    #[must_use]
    pub fn text(self) -> Option<String> {
        let version = env!("CARGO_PKG_VERSION");
        match self {
            Self::No => None,
            Self::Short => Some(format!("{} {version}\n", super::PROGRAM)),
            Self::Raw => Some(format!(
                "version.Info{{Major:\"{}\", Minor:\"{}\", GitVersion:\"v{version}\", Compiler:\"rustc\", Platform:\"{}/{}\"}}\n",
                env!("CARGO_PKG_VERSION_MAJOR"),
                env!("CARGO_PKG_VERSION_MINOR"),
                std::env::consts::OS,
                architecture(),
            )),
        }
    }
}

/// The architecture by the name that Go and container images use.
pub(crate) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_are_those_of_kubernetes() {
        for (text, form) in
            [("raw", Ok(VersionForm::Raw)), ("true", Ok(VersionForm::Short)), ("0", Ok(VersionForm::No))]
        {
            assert_eq!(VersionForm::parse(text), form, "{text}");
        }
        assert!(VersionForm::parse("v1.36.0").is_err());
    }
}
