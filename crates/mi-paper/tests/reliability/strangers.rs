use std::fs;
use std::path::Path;

use super::{Fate, Tally, files, mi_paper, reproduce, text};

/// All files of a folder with their contents.
fn content(root: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    files(root)
        .into_iter()
        .map(|path| (path.clone(), fs::read(root.join(&path)).unwrap()))
        .collect()
}

#[test]
fn unrelated_files_are_never_changed() {
    let mut tally = Tally::new("folders of strangers");
    for (name, there) in [
        ("lock", "pid 17"),
        ("report.html", "<p>mine</p>"),
        ("report.md", "mine"),
        ("records.csv", "a,b\n1,2\n"),
        ("trials.json", "[1, 2]"),
        ("plan.json", "{\"plan\": 9}"),
        ("run.json", "{}"),
        ("figures/a.svg", "<svg/>"),
        ("thesis.tex", "\\section{}"),
    ] {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, there).unwrap();
        let before = content(root.path());
        for arguments in [&["--dry-run"][..], &[], &["--redraw"], &["--status"]] {
            let output = if arguments.is_empty() || arguments == ["--dry-run"] {
                reproduce(root.path(), arguments)
            } else {
                let mut command = mi_paper();
                command.arg("reproduce").args(arguments).arg("--out").arg(root.path());
                command.output().unwrap()
            };
            let refused = output.status.code() == Some(1)
                && text(&output.stderr).contains("error: ")
                && content(root.path()) == before;
            let what = format!("{name} {arguments:?}: {}", text(&output.stderr));
            tally.note(what, if refused { Fate::Refused } else { Fate::SilentlyWrong });
        }
    }
    tally.finish();
}
