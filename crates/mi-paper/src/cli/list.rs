use mi_paper::registry::{EXPERIMENTS, PAPER};

/// The experiments, one block each.
pub(super) fn text() -> String {
    let mut lines = vec!["Experiments, in the order in which they run:".to_owned()];
    for experiment in EXPERIMENTS {
        let figures = match experiment.figures {
            "" => "beyond the paper".into(),
            figures if figures.starts_with(|c: char| c.is_ascii_digit()) => {
                format!("figures {figures}")
            }
            other => other.to_owned(),
        };
        let default = if PAPER.contains(&experiment.name) { ", by default" } else { "" };
        lines.push(format!(
            "  {:<15} {figures}{default}\n{:18}{}",
            experiment.name, "", experiment.question
        ));
    }
    lines.push(format!("`--experiment paper`, the default, stands for {}.", PAPER.join(", ")));
    lines.push("`--experiment all` stands for every one.".into());
    lines.join("\n")
}
