//! The path of a request, and which paths everybody may read.
//!
//! A path is compared and routed as the client wrote it: nothing decodes, cleans or shortens it in between. A path that somebody
//! else might take for another one is refused before anything is asked about it, so that a rule that ends in `*`, here or in a
//! `ClusterRole`, admits to nothing but what it says.

use http::Uri;

use crate::serving::bounds::MAX_PATH;

/// Why there is nothing at such a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It does not begin with a slash: `*`, or the address of somebody else's server.
    #[error("the target of the request is no path")]
    NoPath,
    /// It has octets that are encoded, empty or dotted segments, or backslashes.
    #[error("the path has `%`, `//`, `/./`, `/../` or a backslash, and nothing is served at such a path")]
    Ambiguous,
    /// It is longer than any that is served.
    #[error("the path is longer than {MAX_PATH} bytes")]
    TooLong,
}

/// The path that is authorised and routed.
pub(in crate::serving) fn path_of(target: &Uri) -> Result<&str, PathError> {
    // What RFC 9112 §3.2.2 calls the absolute form has an authority as well, which says nothing here: there is one server.
    let path = target.path();
    if path.len() > MAX_PATH {
        return Err(PathError::TooLong);
    }
    let Some(rest) = path.strip_prefix('/') else { return Err(PathError::NoPath) };
    let mut segments = rest.split('/').peekable();
    while let Some(segment) = segments.next() {
        // A slash at the end makes another path, though a plain one.
        let is_empty = segment.is_empty() && segments.peek().is_some();
        if is_empty || segment == "." || segment == ".." || segment.contains(['%', '\\']) {
            return Err(PathError::Ambiguous);
        }
    }
    Ok(path)
}

/// `--authorization-always-allow-paths` that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("--authorization-always-allow-paths has `{0}`; a `*` may stand at the end only, for whatever follows")]
pub struct OpenPathError(String);

/// The paths that everybody may read (apiserver `pkg/authorization/path`).
#[derive(Debug, Clone, Default)]
pub(super) struct OpenPaths {
    exact: Vec<String>,
    prefixes: Vec<String>,
}

impl OpenPaths {
    /// Reads them; a slash at the beginning may be left out.
    pub(super) fn parse(paths: &[String]) -> Result<Self, OpenPathError> {
        let mut open = Self::default();
        for path in paths {
            let bare = path.strip_prefix('/').unwrap_or(path);
            match bare.strip_suffix('*') {
                Some(prefix) if !prefix.contains('*') => open.prefixes.push(prefix.to_owned()),
                None if !bare.contains('*') => open.exact.push(bare.to_owned()),
                _ => return Err(OpenPathError(path.clone())),
            }
        }
        Ok(open)
    }

    /// Whether everybody may read this path, which is one of [`path_of`].
    pub(super) fn contain(&self, path: &str) -> bool {
        let bare = path.strip_prefix('/').unwrap_or(path);
        self.exact.iter().any(|exact| exact == bare) || self.prefixes.iter().any(|prefix| bare.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use proptest::prelude::*;

    use super::*;

    fn open(paths: &[&str]) -> OpenPaths {
        OpenPaths::parse(&paths.iter().map(|&path| path.to_owned()).collect::<Vec<_>>()).unwrap()
    }

    fn read(target: &str) -> Result<String, PathError> {
        let target = target.parse::<Uri>().unwrap();
        path_of(&target).map(str::to_owned)
    }

    #[test]
    fn paths_as_they_are_served_are_read() {
        for path in
            ["/", "/metrics", "/debug/flags/v", "/healthz/", "/healthz/etcd", "/.well-known", "/..a", "/a=b:c@d;e"]
        {
            assert_eq!(read(path), Ok(path.to_owned()));
        }
        assert_eq!(read("/healthz?verbose=/../metrics"), Ok("/healthz".to_owned()), "a query is no path");
    }

    #[test]
    fn a_path_that_might_be_taken_for_another_is_refused() {
        for path in [
            "/healthz/../metrics",
            "/healthz/..",
            "/..",
            "/./metrics",
            "/metrics/.",
            "//metrics",
            "/healthz//",
            "/healthz%2f..%2fmetrics",
            "/healthz/%2e%2e/metrics",
            "/%6detrics",
            "/healthz%00",
            "/healthz\\..\\metrics",
            "https://host/healthz/../metrics",
        ] {
            assert_eq!(read(path), Err(PathError::Ambiguous), "{path}");
        }
    }

    #[test]
    fn the_absolute_form_is_read_for_its_path() {
        assert_eq!(read("https://elsewhere.example/metrics"), Ok("/metrics".to_owned()));
        assert_eq!(read("https://elsewhere.example"), Ok("/".to_owned()));
    }

    #[test]
    fn what_is_no_path_is_refused() {
        assert_eq!(read("*"), Err(PathError::NoPath));
        assert_eq!(read("elsewhere.example:443"), Err(PathError::NoPath));
        assert_eq!(read(&format!("/{}", "a".repeat(MAX_PATH))), Err(PathError::TooLong));
    }

    #[test]
    fn open_paths_are_exact_or_end_in_an_asterisk() {
        let open = open(&["/healthz", "readyz", "/debug/*", "/"]);
        for path in ["/healthz", "/readyz", "/debug/", "/debug/flags", "/"] {
            assert!(open.contain(path), "{path}");
        }
        for path in ["/healthz/", "/healthz/etcd", "/healthzz", "/debug", "/metrics", "/Healthz"] {
            assert!(!open.contain(path), "{path}");
        }
        assert!(OpenPaths::parse(&["/*/metrics".to_owned()]).is_err());
        assert!(OpenPaths::parse(&["/metrics**".to_owned()]).is_err());
        assert!(super::OpenPaths::parse(&["*".to_owned()]).unwrap().contain("/anything"));
    }

    proptest! {
        /// What a server that decodes and cleans paths would make of one that is read here is the same path.
        #[test]
        fn a_path_that_is_read_means_itself(target in "(/|//|\\.|\\.\\.|%2f|%2F|%2e|%5c|\\\\|healthz|metrics|a|\\?|;|=){0,12}") {
            let Ok(target) = target.parse::<Uri>() else { return Ok(()) };
            if let Ok(path) = path_of(&target) {
                let mut cleaned = Vec::new();
                for segment in path.split('/').skip(1) {
                    prop_assert!(segment != ".." && segment != ".");
                    cleaned.push(segment);
                }
                prop_assert!(!path.contains('%') && !path.contains('\\') && !path.contains("//"));
                prop_assert_eq!(format!("/{}", cleaned.join("/")), path);
            }
        }

        /// With only `/healthz*` open, nothing that a router or a proxy could lead elsewhere is.
        #[test]
        fn nothing_but_what_begins_so_is_open(target in "/(healthz|metrics|/|\\.|\\.\\.|%2f|%2e|[a-z]){0,8}") {
            let open = open(&["/healthz*"]);
            let Ok(target) = target.parse::<Uri>() else { return Ok(()) };
            if let Ok(path) = path_of(&target) && open.contain(path) {
                prop_assert!(path.starts_with("/healthz") && path.split('/').all(|segment| segment != ".."), "{}", path);
            }
        }
    }
}
