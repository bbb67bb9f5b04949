//! The query string, read strictly: what is not of a parameter's type is refused in words that name the parameter.

use crate::answer::Refusal;
use crate::selection::Selection;
use axum::extract::Query as AxumQuery;
use axum::http::Uri;
use std::ops::RangeInclusive;

/// The parameters of one request, in the order sent. Parameters that the API does not know are ignored, as it does.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// The parameters of a request's target.
    pub(crate) fn of(uri: &Uri) -> Result<Self, Refusal> {
        AxumQuery::try_from_uri(uri)
            .map(|AxumQuery(pairs)| Self { pairs })
            .map_err(|error| Refusal::unprocessable(format!("query string cannot be read: {error}")))
    }

    /// The parameter's value, if it is there. Twice is an error: which of them was meant?
    pub(crate) fn text<'a>(&'a self, name: &'a str) -> Result<Option<&'a str>, Refusal> {
        let mut values = self.values(name);
        let first = values.next();
        if values.next().is_some() {
            return Err(Refusal::unprocessable(format!("{name} must be given once")));
        }
        Ok(first)
    }

    /// The parameter as a whole number in this range.
    pub(crate) fn number(&self, name: &str, range: RangeInclusive<u32>) -> Result<Option<u32>, Refusal> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let (low, high) = (range.start(), range.end());
        match text.parse() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => Err(Refusal::unprocessable(format!("{name} must be an integer from {low} to {high}"))),
        }
    }

    /// The parameter as `true` or `false`.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.text(name)? {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(Refusal::unprocessable(format!("{name} must be true or false"))),
        }
    }

    /// The parameter as one of these words.
    pub(crate) fn word<'a>(&'a self, name: &'a str, words: &[&str]) -> Result<Option<&'a str>, Refusal> {
        match self.text(name)? {
            Some(text) if !words.contains(&text) => Err(not_a_word(name, words)),
            text => Ok(text),
        }
    }

    /// The parameter as a list of these words: repeated, with `[]` after its name, or separated by commas.
    pub(crate) fn words<'a>(&'a self, name: &'a str, words: &[&str]) -> Result<Vec<&'a str>, Refusal> {
        let given: Vec<&str> = self.list(name).collect();
        if given.iter().any(|text| !words.contains(text)) {
            return Err(not_a_word(name, words));
        }
        Ok(given)
    }

    /// What `include` and `exclude` ask for.
    pub(crate) fn selection(&self) -> Selection {
        Selection::parse(self.list("include"), self.list("exclude"))
    }

    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn list<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs
            .iter()
            .filter(move |(key, _)| key.strip_suffix("[]").unwrap_or(key) == name)
            .flat_map(|(_, value)| value.split(','))
    }
}

fn not_a_word(name: &str, words: &[&str]) -> Refusal {
    Refusal::unprocessable(format!("{name} must be one of {}", words.join(", ")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::Query;

    fn query(text: &str) -> Query {
        Query::of(&format!("/x?{text}").parse().unwrap()).unwrap()
    }

    #[test]
    fn what_is_not_a_number_in_range_is_refused_by_name() {
        for text in ["page=0", "page=abc", "page=", "page=1.5", "page=-1", "page=100001", "page=99999999999"] {
            let refusal = query(text).number("page", 1..=100_000).unwrap_err();
            assert!(refusal.to_string().contains("page must be an integer from 1 to 100000"), "{text}: {refusal}");
        }
        assert_eq!(query("page=100000").number("page", 1..=100_000).unwrap(), Some(100_000));
        assert_eq!(query("").number("page", 1..=100_000).unwrap(), None);
    }

    #[test]
    fn a_parameter_given_twice_is_refused() {
        assert!(query("page=1&page=2").number("page", 1..=9).is_err());
    }

    #[test]
    fn a_list_may_be_repeated_or_bracketed_or_separated_by_commas() {
        let words = ["compute", "storage"];
        for text in ["c=compute&c=storage", "c[]=compute&c%5B%5D=storage", "c=compute,storage"] {
            assert_eq!(query(text).words("c", &words).unwrap(), words, "{text}");
        }
        assert!(query("c=compute,vm").words("c", &words).is_err());
    }

    #[test]
    fn a_flag_is_true_or_false_and_nothing_else() {
        assert_eq!(query("reserved=true").flag("reserved").unwrap(), Some(true));
        assert!(query("reserved=yes").flag("reserved").is_err());
    }
}
