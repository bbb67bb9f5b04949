//! Links within the repository lead somewhere, and paths that are named are there.

use std::path::{Component, Path, PathBuf};

use crate::capability;
use crate::page::{Page, pages};
use crate::repository::root;

/// Where the links of a page lead, as they are written.
fn targets(page: &Page) -> Vec<String> {
    // What stands between backticks is shown, not followed.
    let prose: String = page.prose().split('`').step_by(2).collect::<Vec<_>>().join("");
    let inline = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let named = prose.lines().filter(|line| line.starts_with('[')).filter_map(|line| line.split_once("]: "));
    let named = named.map(|(_, target)| target);
    inline.chain(named).map(|target| target.split_whitespace().next().unwrap_or_default().to_owned()).collect()
}

/// A path without `..`, from the top of the repository; nothing where it leads out of it.
fn within(path: &Path) -> Option<PathBuf> {
    let mut within = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => within.pop().then_some(())?,
            Component::Normal(name) => within.push(name),
            _ => {}
        }
    }
    Some(within)
}

/// What is wrong with a link, if anything is.
fn fault(page: &Page, target: &str) -> Option<String> {
    let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
    let folder = page.path.parent().unwrap_or(Path::new(""));
    let path = if path.is_empty() { Some(page.path.clone()) } else { within(&folder.join(path)) };
    let Some(path) = path.filter(|path| root().join(path).exists()) else {
        return Some("there is no such file".into());
    };
    let anchor = anchor?;
    let anchors = Page::read(path).anchors();
    (!anchors.iter().any(|known| known == anchor)).then(|| format!("the headings there are {anchors:?}"))
}

#[test]
fn every_link_within_the_repository_leads_somewhere() {
    let (mut followed, mut faults) = (0, Vec::new());
    for page in pages() {
        for target in targets(&page).iter().filter(|target| !target.contains("://") && !target.starts_with("mailto:")) {
            followed += 1;
            let fault = fault(&page, target).map(|fault| format!("{}: ({target}): {fault}", page.path.display()));
            faults.extend(fault);
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(followed > 50, "only {followed} links were found");
}

#[test]
fn every_file_that_is_named_is_there() {
    let to_be_made = capability::new_files();
    let (mut found, mut faults) = (0, Vec::new());
    for page in pages() {
        for span in page.code_spans() {
            let is_path = span.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
            let first = span.split('/').next().unwrap_or_default();
            // What is below another folder is named from there, and capitals are for what stands for any.
            let is_any = span.split('/').any(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase()));
            if is_any
                || !is_path
                || !span.contains('/')
                || ["", "target", "dist"].contains(&first)
                || !root().join(first).is_dir()
            {
                continue;
            }
            found += 1;
            let folder = page.path.parent().unwrap_or(Path::new(""));
            let is_there = root().join(&span).exists() || root().join(folder).join(&span).exists();
            if !is_there && !to_be_made.contains(&span) {
                faults.push(format!("{}: `{span}` is not there", page.path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(found > 30, "only {found} paths were found");
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let text = "# A `b`, c\n\n## A b\n\n[x](nowhere.md) [y](#a-b-c) [z](#a)\n`[n](o.md)` [i](https://example.org/#x)\n";
    let page = Page { path: "README.md".into(), text: text.to_owned() };
    assert_eq!(targets(&page), ["nowhere.md", "#a-b-c", "#a", "https://example.org/#x"]);
    assert_eq!(page.anchors(), ["a-b-c", "a-b"]);
    assert!(fault(&page, "nowhere.md").is_some() && fault(&page, "../README.md").is_some());
    assert!(fault(&page, "docs/reference/flags.md#no-such-heading").is_some());
    assert_eq!(fault(&page, "docs/reference/flags.md#how-flags-are-written"), None);
}
