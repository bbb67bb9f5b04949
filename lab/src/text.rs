//! Text for people, within a hundred columns.

/// How wide a report is at most.
pub(crate) const WIDTH: usize = 100;

/// The text within [`WIDTH`], each line indented, those after the first a little more.
pub(crate) fn wrapped(indent: &str, text: &str, out: &mut Vec<String>) {
    let further = format!("{indent}  ");
    // Names and ids are full of hyphens, and are for copying.
    let options = textwrap::Options::new(WIDTH)
        .initial_indent(indent)
        .subsequent_indent(&further)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    out.extend(textwrap::wrap(text, options).into_iter().map(std::borrow::Cow::into_owned));
}
