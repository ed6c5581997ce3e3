//! Repeats the run that `docs/cluster.md` shows.
//!
//! If the environment variable `MI_WRITE_DOCS` is set, the page is rewritten instead: read the
//! difference before you keep it.

use std::fs;
use std::path::Path;

use super::cluster::{Cluster, text, until};
use super::sweep::Sweep;

const BEGIN: &str = "<!-- what follows is written by crates/mi-paper/tests/slurm/page.rs -->\n";
const END: &str = "<!-- up to here -->\n";

/// Runs the commands of the page and compares the output, without numbers.
pub(crate) fn check(cluster: &Cluster) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cluster.md");
    let Ok(page) = fs::read_to_string(&path) else { return };
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (there, after) = rest.split_once(END).unwrap();
    let now = format!("```console\n{}```\n", transcript(cluster));
    if std::env::var_os("MI_WRITE_DOCS").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{now}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(
        without_numbers(there),
        without_numbers(&now),
        "update it: MI_WRITE_DOCS=1 cargo test -p mi-paper --test slurm"
    );
}

fn transcript(cluster: &Cluster) -> String {
    let mut said = String::new();
    let mut sweep = Sweep::new(cluster, "dependent");
    let mut tell = |shown: &str, output: &str| {
        said.extend(["$ ", shown, "\n", output]);
    };
    sweep.submit(&["--trials-per-task", "2", "--at-most", "1", "--time", "1:00:00"]);
    tell(
        "mi-paper slurm runs/dependent --experiment dependent --preset smoke --steps 60 \\\n    \
         --trials-per-task 2 --at-most 1 --time 1:00:00",
        &sweep.said,
    );
    // Stopped in the middle of the first trial of the first task.
    let frozen = sweep.freeze(None);
    let look = "mi-paper reproduce --status --out runs/dependent";
    tell(look, &sweep.status());
    frozen.thaw();
    sweep.wait();
    tell(look, &sweep.status());
    let mut log =
        fs::read(sweep.out.join(format!("slurm/log/report-{}.txt", sweep.report))).unwrap();
    log.drain(..sweep.status().len());
    tell(&format!("tail -n +6 runs/dependent/slurm/log/report-{}.txt", sweep.report), &text(&log));
    until("the array has left the queue", || {
        (!sweep.queue().contains(&sweep.arrays[0])).then_some(())
    });
    let place = sweep.out.display().to_string();
    said.replace(&place, "/shared/runs/dependent")
}

/// The text with `#` for each number and single spaces, since widths depend on the machine.
fn without_numbers(text: &str) -> String {
    let mut masked = String::new();
    for line in text.lines() {
        let words = line.split_whitespace().map(|word| {
            word.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect::<String>()
        });
        let mut words: Vec<String> = words.collect();
        for word in &mut words {
            while word.contains("##") {
                *word = word.replace("##", "#");
            }
        }
        masked.push_str(&words.join(" "));
        masked.push('\n');
    }
    masked
}
