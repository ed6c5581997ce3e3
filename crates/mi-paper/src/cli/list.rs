use mi_paper::experiments::{self, EXPERIMENTS};

/// The list of experiments, with the question of each.
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
        let default = if experiment.by_default { ", by default" } else { "" };
        lines.push(format!(
            "  {:<15} {figures}{default}\n{:18}{}",
            experiment.name, "", experiment.question
        ));
    }
    let paper: Vec<&str> = experiments::by_default().map(|e| e.name).collect();
    lines.push(format!("`--experiment paper`, the default, means {}.", paper.join(", ")));
    lines.push("`--experiment all` means all of them.".into());
    lines.join("\n")
}
