/// A p-value; the smallest that a number of surrogates can give is written as a limit.
pub fn p_value(p: f64, smallest: bool) -> String {
    let sign = if smallest { "<= " } else { "" };
    let digits = if p < 0.001 { 5 } else { 3 };
    format!("{sign}{p:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_possible_p_value_is_a_limit() {
        assert_eq!(p_value(1.0 / 200.0, true), "<= 0.005");
        assert_eq!(p_value(2.0 / 200.0, false), "0.010");
        assert_eq!(p_value(1.0 / 10_000.0, true), "<= 0.00010");
    }
}
