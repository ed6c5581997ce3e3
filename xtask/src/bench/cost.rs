//! Cost against batch size: which benchmarks differ only in K, and how their time grows with it.

use std::collections::BTreeMap;

/// Benchmarks whose ids differ only in K, with (K, time), ascending in K.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Family {
    /// The common id, with `K` in place of its value.
    pub(crate) id: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// The id with K replaced by its name, and K: the last part between slashes that is `128`, `K128`
/// or `K=128`.
fn split(id: &str) -> Option<(String, f64)> {
    let mut parts: Vec<_> = id.split('/').collect();
    let value = |part: &str| {
        let number = part.strip_prefix(['K', 'k']).unwrap_or(part);
        let number = number.strip_prefix('=').unwrap_or(number);
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        number.parse::<f64>().ok().filter(|number| digits && *number > 0.0)
    };
    let (place, k) =
        parts.iter().enumerate().rev().find_map(|(at, part)| Some((at, value(part)?)))?;
    parts[place] = "K";
    Some((parts.join("/"), k))
}

/// All families of at least two sizes, ordered by id.
pub(crate) fn families<'a>(results: impl Iterator<Item = (&'a str, f64)>) -> Vec<Family> {
    let mut families: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for (id, time) in results {
        if let Some((family, k)) = split(id) {
            families.entry(family).or_default().push((k, time));
        }
    }
    let sorted = families.into_iter().map(|(id, mut points)| {
        points.sort_by(|one, other| one.0.total_cmp(&other.0));
        points.dedup_by(|one, other| one.0 == other.0);
        Family { id, points }
    });
    sorted.filter(|family| family.points.len() > 1).collect()
}

impl Family {
    /// The exponent s of time ∝ K^s: the least-squares slope of ln time over ln K.
    pub(crate) fn slope(&self) -> f64 {
        let logs: Vec<_> = self.points.iter().map(|(k, time)| (k.ln(), time.ln())).collect();
        let count = logs.len() as f64;
        let mean = |part: fn(&(f64, f64)) -> f64| logs.iter().map(part).sum::<f64>() / count;
        let (mean_x, mean_y) = (mean(|one| one.0), mean(|one| one.1));
        let covariance: f64 = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
        covariance / logs.iter().map(|(x, _)| (x - mean_x).powi(2)).sum::<f64>()
    }

    /// The same between the two largest K, where fixed costs matter least.
    pub(crate) fn last_slope(&self) -> f64 {
        let points = self.points[self.points.len().saturating_sub(2)..].to_vec();
        Self { id: String::new(), points }.slope()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k_is_the_last_number_of_an_id() {
        for (id, expected) in [
            ("p/t/bilinear/128", Some(("p/t/bilinear/K", 128.0))),
            ("p/t/K=512/nwj", Some(("p/t/K/nwj", 512.0))),
            ("p/t/200/k2048", Some(("p/t/200/K", 2048.0))),
            ("p/t/mlp200/infonce", None),
            ("p/t/0", None),
            ("p/t/1e3", None),
        ] {
            let expected = expected.map(|(family, k)| (family.to_owned(), k));
            assert_eq!(split(id), expected, "{id}");
        }
    }

    #[test]
    fn slopes_are_exponents() {
        let power = |exponent: f64| move |k: f64| 3.0 * k.powf(exponent);
        let mut results = Vec::new();
        for k in [512.0, 128.0, 2048.0] {
            results.push((format!("a/{k}"), power(2.0)(k)));
            results.push((format!("b/{k}"), 1e5 + power(1.0)(k)));
        }
        results.push(("alone/128".to_owned(), 1.0));
        results.push(("none".to_owned(), 1.0));
        let found = families(results.iter().map(|(id, time)| (id.as_str(), *time)));
        let ids: Vec<_> = found.iter().map(|family| family.id.as_str()).collect();
        assert_eq!(ids, ["a/K", "b/K"]);
        assert!((found[0].slope() - 2.0).abs() < 1e-12);
        assert!((found[0].last_slope() - 2.0).abs() < 1e-12);
        // A fixed cost flattens the slope at small K, and less at large K.
        assert!(found[1].slope() < found[1].last_slope() && found[1].last_slope() < 1.0);
    }
}
