//! Control characters in names and texts reach neither a terminal nor a report.

use std::fs;
use std::path::Path;
use std::process::Output;

use super::{Fate, Tally, files, mi_paper, reproduce, text};

/// Control characters that clear the screen, reverse the direction of writing, and more.
const CONTROL: &str = "\u{1b}[2J\u{9b}31m\u{7}\u{202e}\r";

/// A very short experiment.
const FILE: &str = "
data = \"synthetic\"
steps = 2
batch_size = 8
optimiser.adam.learning_rate = 0.001
samples.shared_latent = false

[[terms]]
x = \"x\"
y = \"y\"
critic = \"bilinear\"
bound = \"infonce\"
";

/// A change to a JSON file.
type Change = fn(&mut serde_json::Value);

fn with_control(name: &str) -> String {
    format!("{name}{CONTROL}")
}

fn has_control_characters(text: &str) -> bool {
    mi_plot::plain_lines(text) != text
}

fn refused(output: &Output) -> Fate {
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    let named = !output.status.success() && err.contains("error");
    if named && !has_control_characters(&out) && !has_control_characters(&err) {
        Fate::Refused
    } else {
        Fate::SilentlyWrong
    }
}

fn harmless(output: &Output, folder: &Path) -> Fate {
    let is_drawn = |path: &std::path::PathBuf| {
        path.extension().is_some_and(|e| e == "md" || e == "html" || e == "svg")
    };
    let drawn = files(folder).into_iter().filter(is_drawn);
    let mut texts: Vec<String> =
        drawn.map(|path| fs::read_to_string(folder.join(path)).unwrap()).collect();
    assert!(texts.len() > 2, "nothing was drawn");
    texts.extend([text(&output.stdout), text(&output.stderr)]);
    let safe = output.status.success() && !texts.iter().any(|text| has_control_characters(text));
    if safe { Fate::Harmless } else { Fate::SilentlyWrong }
}

#[test]
fn names_and_texts_cannot_control_a_terminal() {
    let root = tempfile::tempdir().unwrap();
    let mut tally = Tally::new("control characters");
    for arguments in [
        ["--experiment", &with_control("critics")],
        ["--dataset", &with_control("mnist")],
        ["--preset", &with_control("smoke")],
        ["--seeds", &with_control("3")],
        ["--data", &with_control("/nowhere")],
        [&*with_control("--flag"), "1"],
    ] {
        let mut command = mi_paper();
        command.arg("reproduce").args(arguments).arg("--out").arg(root.path().join("none"));
        let output = command.output().unwrap();
        tally.note(format!("{arguments:?}: {}", text(&output.stderr)), refused(&output));
    }
    let file = root.path().join("mine.toml");
    let run_file = |file: &Path, out: &Path| {
        let mut command = mi_paper();
        command.args(["reproduce", "--preset", "smoke", "--out"]).arg(out);
        command.arg("--experiment").arg(file).output().unwrap()
    };
    for line in [
        r#"question = "a\u001b[2Jb""#,
        r#""a\u001b[2Jb" = 1"#,
        r#"name = "a\u202eb""#,
        r#"setting = "a\nb""#,
    ] {
        fs::write(&file, format!("{line}\n{FILE}")).unwrap();
        let output = run_file(&file, &root.path().join("none"));
        tally.note(format!("{line}: {}", text(&output.stderr)), refused(&output));
    }
    // A file and a folder with such names.
    let bad_file = root.path().join(with_control("mine") + ".toml");
    fs::write(&bad_file, format!("steps = 1\n{FILE}")).unwrap();
    let output = run_file(&bad_file, &root.path().join("none"));
    tally.note(format!("file name: {}", text(&output.stderr)), refused(&output));
    let out = root.path().join(with_control("run"));
    let output = reproduce(&out, &[]);
    tally.note(format!("folder: {}", text(&output.stderr)), harmless(&output, &out));
    let output = reproduce(&out, &["--steps", "3"]);
    tally.note(format!("another plan: {}", text(&output.stderr)), refused(&output));

    // Texts in a plan or a run that someone else made.
    fs::write(&file, format!("question = \"why?\"\n{FILE}")).unwrap();
    let own = root.path().join("own");
    let output = run_file(&file, &own);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let changes: [(&str, Change); 3] = [
        ("plan.json", |plan| plan["own"][0]["question"] = with_control("what?").into()),
        ("run.json", |run| run["deviations"] = vec![with_control("other")].into()),
        ("run.json", |run| run["command"] = with_control("run").into()),
    ];
    for (name, change) in changes {
        let path = own.join(name);
        let before = fs::read_to_string(&path).unwrap();
        let mut json: serde_json::Value = serde_json::from_str(&before).unwrap();
        json.as_object_mut().unwrap().remove("checksum");
        change(&mut json);
        assert!(json.to_string().contains("\\u001b"), "{name} was not changed");
        fs::write(&path, json.to_string()).unwrap();
        let output =
            mi_paper().args(["reproduce", "--redraw", "--out"]).arg(&own).output().unwrap();
        tally.note(format!("{name}: {}", text(&output.stderr)), harmless(&output, &own));
        fs::write(&path, before).unwrap();
    }
    tally.finish();
}
