//! Owns the table of what callers were told: printed after a run, and kept on a page.

use std::path::Path;

use anyhow::Context as _;

const HEAD: [&str; 2] = [
    "| away | phase | prepare | approve | p50 / p99, ms | cancel | read | p50 / p99, ms | `ready` \
     | `live` | open sagas | how it ended |",
    "|---|---|---|---|---|---|---|---|---|---|---|---|",
];

/// The table with these rows.
pub(super) fn lines(rows: &[String]) -> Vec<String> {
    let head = HEAD.iter().map(|line| (*line).to_owned());
    head.chain(rows.iter().cloned()).collect()
}

/// Puts rows into the table of a page: those of the same trouble go, all others stay.
pub(super) fn keep(page: &Path, rows: &[String]) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(page);
    let text = text.with_context(|| format!("no page {}", page.display()))?;
    let kept = merged(&text, rows);
    let kept = kept.with_context(|| format!("{} has no such table", page.display()))?;
    Ok(std::fs::write(page, kept)?)
}

/// What a row is about: its first cell.
fn about(row: &str) -> Option<&str> {
    row.split('|').nth(1)
}

fn merged(text: &str, rows: &[String]) -> Option<String> {
    let (above, below) = text.split_once(HEAD.first()?)?;
    let mut below = below.lines().skip(1).peekable();
    below.next_if(|line| HEAD.contains(line))?;
    let mut kept: Vec<String> = Vec::new();
    let mut all = rows.to_vec();
    while let Some(row) = below.next_if(|line| line.starts_with('|')) {
        let same = |new: &String| about(new) == about(row);
        // The new rows stand where the first of the old ones stood.
        if all.iter().any(same) {
            let (new, other) = all.into_iter().partition(same);
            kept.extend::<Vec<String>>(new);
            all = other;
        } else if !rows.iter().any(same) {
            kept.push(row.to_owned());
        }
    }
    kept.extend(all);
    let mut after: Vec<String> = lines(&kept);
    after.extend(below.map(str::to_owned));
    Some(format!("{above}{}\n", after.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_replace_those_of_the_same_trouble_and_leave_the_others() {
        let row = |away: &str, what: &str| format!("| `{away}`, sqlite | before | {what} |");
        let old = [row("disk", "1"), row("disk", "2"), row("slow", "3")];
        let page = format!("# Page\n\nwords\n\n{}\n\nmore\n", lines(&old).join("\n"));
        let new = [row("disk", "9"), row("disk", "8"), row("mute", "7")];
        let wanted = [
            row("disk", "9"),
            row("disk", "8"),
            row("slow", "3"),
            row("mute", "7"),
        ];
        let wanted = format!("# Page\n\nwords\n\n{}\n\nmore\n", lines(&wanted).join("\n"));
        assert_eq!(merged(&page, &new), Some(wanted));
        assert_eq!(merged("# Page without a table\n", &new), None);
    }
}
