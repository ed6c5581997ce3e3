//! An interpretation of the estimates, in a sentence or two.

use mi_samples::{ColumnType, Estimate, Method, Surrogate};

use crate::estimator::{Measured, title};
use crate::options::Unit;
use crate::output::p_value;

/// More columns than this leave nearest neighbours far away.
const FEW_COLUMNS: usize = 4;

/// A sentence on the estimates at one lag or at several, if there is something to say; `sides`
/// are the names of x and y.
pub fn of(found: &[(isize, Measured)], sides: [&str; 2], unit: Unit) -> Option<String> {
    match found {
        [] => None,
        [(_, measured)] if warned(measured, "deterministic") => Some(
            "A column of one side is a function of the other: between continuous columns the true \
             value is infinite, and the estimates show how far their methods reach with these rows."
                .into(),
        ),
        // Ties distort the neighbours, and the copula sees only a part: neither is more reliable.
        [(_, measured)] if warned(measured, "off_when_permuted") => None,
        [(_, measured)] => match &measured.estimates[..] {
            [first, _, ..] if by_chance(first) => Some(p_values(&measured.estimates)),
            [neighbours, copula] if copula.estimator.method == Method::GaussianCopula => {
                Some(compare(neighbours, copula, measured))
            }
            [neural, .., copula]
                if neural.estimator.method == Method::Neural
                    && copula.estimator.method == Method::GaussianCopula =>
            {
                Some(compare_bound(neural, copula, measured))
            }
            [neural, neighbours] if neural.estimator.method == Method::Neural => {
                let meaning = compare_without_copula(neural, neighbours, measured);
                let share = of_discrete(neural, sides, unit);
                Some([Some(meaning), share].into_iter().flatten().collect::<Vec<_>>().join(" "))
            }
            [only] => of_discrete(only, sides, unit),
            _ => None,
        },
        many => {
            let value =
                |measured: &Measured| measured.estimates.first().map_or(f64::NAN, |e| e.value);
            let (lag, largest) = many
                .iter()
                .map(|(lag, measured)| (lag, value(measured)))
                .max_by(|a, b| a.1.total_cmp(&b.1))?;
            Some(format!(
                "The largest value, {:.4} {}, is at lag {lag}. Among many lags one is the largest by \
                 chance: test it on other rows.",
                unit.of(largest),
                unit.name()
            ))
        }
    }
}

/// The part of a discrete side's entropy that the other side explains.
fn of_discrete(estimate: &Estimate, [x, y]: [&str; 2], unit: Unit) -> Option<String> {
    let entropy = estimate.entropy_bound.filter(|&entropy| entropy > 0.0)?;
    let [of_x, of_y, given] = &estimate.columns;
    let discrete = |side: &[ColumnType]| side.iter().all(ColumnType::is_discrete);
    let told = match (discrete(of_x), discrete(of_y)) {
        (true, false) => format!("of {x}"),
        (false, true) => format!("of {y}"),
        _ => "of the side with less entropy".into(),
    };
    let share = 100.0 * estimate.clamped() / entropy;
    given.is_empty().then(|| {
        format!(
            "The entropy {told} is {:.4} {}: {share:.0} % of it is explained by the other side.",
            unit.of(entropy),
            unit.name()
        )
    })
}

/// The standard error of an estimate.
fn error(estimate: &Estimate) -> f64 {
    let known = estimate.interval.map(|interval| interval.standard_error);
    // Without intervals, an error of the usual size: a standard deviation of about 0.6/√n.
    known.unwrap_or(0.6 / (estimate.n as f64).sqrt())
}

/// Whether rearranged rows reach an estimate that its standard error puts above 0.
fn by_chance(estimate: &Estimate) -> bool {
    estimate.value > 2.0 * error(estimate)
        && estimate.test.as_ref().is_some_and(|test| test.p_value > 0.05)
}

/// What the p-values say about a weak dependence, by method where they differ.
fn p_values(estimates: &[Estimate]) -> String {
    let tested = |estimate: &&Estimate| estimate.test.is_some();
    let p = |estimate: &Estimate| estimate.test.as_ref().map_or(1.0, |test| test.p_value);
    let of = |estimate: &Estimate| {
        let reached = estimate.test.as_ref().is_some_and(|test| test.at_least == 0);
        format!("{} (p {})", title(estimate), p_value_in_words(p(estimate), reached))
    };
    let (small, large): (Vec<&Estimate>, Vec<&Estimate>) =
        estimates.iter().filter(tested).partition(|estimate| p(estimate) <= 0.05);
    let all = |some: &[&Estimate]| some.iter().map(|e| of(e)).collect::<Vec<_>>().join(" and ");
    match (&small[..], &large[..]) {
        ([], []) => "A p-value (--permutations) decides.".into(),
        ([_], []) => format!("The p-value of {} suggests a weak dependence.", all(&small)),
        (_, []) => format!("The p-values of {} suggest a weak dependence.", all(&small)),
        ([], [_]) => format!(
            "The p-value of {} is consistent with independence: rows of this kind give such \
             values by chance.",
            all(&large)
        ),
        ([], _) => format!(
            "The p-values of {} are consistent with independence: rows of this kind give such \
             values by chance.",
            all(&large)
        ),
        _ => format!(
            "The p-values differ: that of {} suggests a dependence, that of {} does not. The two \
             see different kinds of dependence; but with two p-values, one is small by chance more \
             often than with a single one.",
            all(&small),
            all(&large)
        ),
    }
}

/// `= 0.035`, or `<= 0.005` where no rearrangement reached the estimate.
fn p_value_in_words(p: f64, is_smallest: bool) -> String {
    let text = p_value(p, is_smallest);
    if is_smallest { text } else { format!("= {text}") }
}

fn warned(measured: &Measured, code: &str) -> bool {
    measured.warnings.iter().any(|warning| warning.code == code)
}

/// Other causes, besides a dependence, that may have raised the estimate of nearest neighbours.
fn doubt(measured: &Measured) -> Option<&'static str> {
    let test = measured.estimates.first().and_then(|estimate| estimate.test.as_ref());
    let in_time =
        |surrogate| matches!(surrogate, Surrogate::Shift { .. } | Surrogate::Blocks { .. });
    let kept_in_order = test.is_some_and(|test| in_time(test.surrogate));
    if warned(measured, "duplicate_rows") || warned(measured, "pasted_table") {
        Some("Copies of rows raise the value too: leave them out first (--dedup).")
    } else if warned(measured, "autocorrelated") && !kept_in_order {
        Some(
            "If the rows are a time series, similar successive ones also raise the value: \
             test with --surrogate shift.",
        )
    } else {
        None
    }
}

/// What to do if a bound is near its cap.
const WITHOUT_CAP: &str =
    "--method neural --bound nwj has no such limit, but is not certain beyond it either.";

/// A typical loss, in nats, of a bound because it does not train on all rows.
const USUAL_LOSS: f64 = 0.02;

/// What it means if a held-out bound and the Gaussian copula agree or disagree.
fn compare_bound(bound: &Estimate, copula: &Estimate, measured: &Measured) -> String {
    let columns: usize = bound.columns.iter().map(Vec::len).sum();
    let biased = format!("With {columns} columns, nearest neighbours are biased towards 0.");
    let room = 2.0 * error(bound).hypot(error(copula));
    let difference = bound.value - copula.value;
    if bound.value < 2.0 * error(bound) && copula.value < 2.0 * error(copula) {
        return format!(
            "Neither the held-out bound nor the Gaussian copula finds a dependence beyond its \
             error: the columns may be independent, or there may be too few rows. {}",
            p_values(&measured.estimates)
        );
    }
    let meaning = if difference > room {
        "The held-out bound finds more than the Gaussian copula: part of the dependence is of a \
         kind that correlations of ranks do not see (not monotone, or a changing spread). Trust \
         the bound as a lower limit: it misses what its critic did not learn."
    } else if difference > -room - USUAL_LOSS {
        "The held-out bound and the Gaussian copula agree within their errors: the dependence \
         looks like that of Gaussian variables after a monotone change of each column."
    } else if warned(measured, "near_cap") {
        return format!(
            "The held-out bound is near the most that it can give, and the Gaussian copula finds \
             more: the bound is a lower limit. {WITHOUT_CAP} {biased}"
        );
    } else {
        "The held-out bound finds less than the Gaussian copula, which overstates dependence of \
         another shape; or there are too few rows for training. The bound is the safer of the two: \
         a lower limit."
    };
    format!("{meaning} {biased}")
}

/// What it means if a held-out bound and nearest neighbours agree or disagree, if some columns have
/// no correlations.
fn compare_without_copula(bound: &Estimate, neighbours: &Estimate, measured: &Measured) -> String {
    let columns: usize = bound.columns.iter().map(Vec::len).sum();
    let room = 2.0 * error(bound).hypot(error(neighbours));
    let difference = bound.value - neighbours.value;
    let zero = |estimate: &Estimate| estimate.value < 2.0 * error(estimate);
    if zero(bound) && zero(neighbours) {
        format!(
            "Neither the held-out bound nor nearest neighbours find a dependence beyond their error: \
             the columns may be independent, or there may be too few rows. {}",
            p_values(&measured.estimates)
        )
    } else if difference > room {
        format!(
            "The held-out bound finds more than nearest neighbours, which with {columns} columns are \
             biased towards 0. Trust the bound, as a lower limit: what its critic did not learn is \
             missing."
        )
    } else if difference > -room - USUAL_LOSS {
        "The held-out bound and nearest neighbours agree within their errors.".into()
    } else if warned(measured, "near_cap") {
        format!(
            "The held-out bound is near the most that it can give, and nearest neighbours find \
             more: the bound is a lower limit. {WITHOUT_CAP}"
        )
    } else {
        let trust = "Its critic did not learn everything, or there are too few rows for training: \
                     take it as a lower limit.";
        let trust = doubt(measured).unwrap_or(trust);
        format!("The held-out bound finds less than nearest neighbours. {trust}")
    }
}

/// What it means if nearest neighbours and the Gaussian copula agree or disagree.
fn compare(neighbours: &Estimate, copula: &Estimate, measured: &Measured) -> String {
    let joint = error(neighbours).hypot(error(copula));
    let difference = neighbours.value - copula.value;
    let zero = |estimate: &Estimate| estimate.value < 2.0 * error(estimate);
    let columns: usize = neighbours.columns.iter().map(Vec::len).sum();
    if zero(neighbours) && zero(copula) {
        format!(
            "Neither finds a dependence beyond its error: the columns may be independent, or \
             there may be too few rows. {}",
            p_values(&measured.estimates)
        )
    } else if difference.abs() <= 2.0 * joint {
        "The two agree within their errors: the dependence looks like that of Gaussian variables \
         after a monotone change of each column, and rank correlations describe it."
            .into()
    } else if difference > 0.0 {
        let meaning = "Nearest neighbours find more than the Gaussian copula: part of the \
                       dependence is of a kind that correlations of ranks do not see (not \
                       monotone, or a changing spread).";
        let trust = "Trust the nearest neighbours, and look at a scatter plot.";
        format!("{meaning} {}", doubt(measured).unwrap_or(trust))
    } else if columns > FEW_COLUMNS {
        format!(
            "Nearest neighbours find less than the Gaussian copula. With {columns} columns they \
             are biased towards 0: trust the Gaussian copula if correlations describe the \
             columns well, and take the nearest neighbours as a lower limit."
        )
    } else {
        "Nearest neighbours find less than the Gaussian copula, which overstates dependence \
         of another shape: trust the nearest neighbours, and look at a scatter plot."
            .into()
    }
}
