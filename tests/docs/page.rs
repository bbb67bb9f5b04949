//! The Markdown files of the repository, taken apart as far as the tests need it.

use std::path::PathBuf;

use crate::repository::{files, root};

/// A Markdown file.
pub(crate) struct Page {
    /// Where it is, from the top of the repository.
    pub(crate) path: PathBuf,
    /// All of it.
    pub(crate) text: String,
}

/// What stands between two fences.
pub(crate) struct Block {
    /// The word behind the opening fence.
    pub(crate) language: String,
    /// The last line before it that is not empty.
    pub(crate) before: String,
    /// Its lines, each with its end.
    pub(crate) text: String,
}

/// Every Markdown file.
pub(crate) fn pages() -> Vec<Page> {
    let pages = files().into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "md"));
    pages.map(Page::read).collect()
}

impl Page {
    /// The file of that path.
    pub(crate) fn read(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let text = std::fs::read_to_string(root().join(&path)).unwrap();
        Self { path, text }
    }

    /// What stands between fences, in order.
    pub(crate) fn blocks(&self) -> Vec<Block> {
        let (mut blocks, mut before, mut open) = (Vec::new(), String::new(), None::<Block>);
        for line in self.text.lines() {
            match (line.strip_prefix("```"), &mut open) {
                (Some(language), None) => {
                    open = Some(Block { language: language.to_owned(), before: before.clone(), text: String::new() });
                }
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (None, Some(block)) => block.text.extend([line, "\n"]),
                (None, None) if line.is_empty() => {}
                (None, None) => line.clone_into(&mut before),
            }
        }
        assert!(open.is_none(), "{}: a block is not closed", self.path.display());
        blocks
    }

    /// All lines outside of fences.
    pub(crate) fn prose(&self) -> String {
        let mut is_prose = true;
        let lines = self.text.lines().filter(|line| {
            let is_fence = line.starts_with("```");
            is_prose ^= is_fence;
            is_prose && !is_fence
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// What stands between backticks in the prose. A backtick is in no line alone.
    pub(crate) fn code_spans(&self) -> Vec<String> {
        let prose = self.prose();
        let paragraphs = prose.split("\n\n");
        paragraphs.flat_map(|text| text.split('`').skip(1).step_by(2)).map(|span| span.replace('\n', " ")).collect()
    }

    /// The anchors of its headings, as GitHub makes them.
    pub(crate) fn anchors(&self) -> Vec<String> {
        let mut anchors: Vec<String> = Vec::new();
        for heading in self.prose().lines().filter(|line| line.starts_with('#')) {
            let text = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            let plain: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
            let earlier = anchors
                .iter()
                .filter(|anchor| anchor.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-') == plain)
                .count();
            anchors.push(if anchors.contains(&plain) { format!("{plain}-{earlier}") } else { plain });
        }
        anchors
    }
}
