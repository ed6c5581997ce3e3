//! Finds columns of y that columns of x determine.

use super::warnings::{Side, Warning};
use crate::closed_form::{SMALLEST_PIVOT, linear_functions};
use crate::sample::Sample;

/// The largest part of a column's variance that rounding may leave of a linear function. If columns
/// are rounded more coarsely, an estimate depends on more than how they are rounded.
const MOST_LEFT: f64 = 1e-6;

/// The first continuous column of y that is, up to rounding, a linear function of continuous
/// columns of x, and possibly of other columns of y and of those given.
pub(super) fn linear_function(x: &Sample, y: &Sample, given: Option<&Sample>) -> Option<Warning> {
    let (mut places, mut columns) = (Vec::new(), Vec::new());
    let mut rounding = 0.0;
    // The given columns come first: a column that follows from them says nothing about x or y.
    let given = given.map(|given| (Side::Given, given));
    for (side, sample) in given.into_iter().chain([(Side::X, x), (Side::Y, y)]) {
        let continuous: Vec<usize> = sample
            .columns()
            .enumerate()
            .filter(|(_, kind)| kind.is_continuous())
            .map(|(column, _)| column)
            .collect();
        let values: Vec<Vec<f64>> =
            continuous.iter().map(|&column| sample.values(column).to_vec()).collect();
        // Functions of their own side say nothing about the other.
        let functions = linear_functions(&values, SMALLEST_PIVOT);
        for ((column, values), function) in continuous.into_iter().zip(values).zip(functions) {
            if function.is_none() {
                rounding += sample.rounding(column);
                places.push((side, column));
                columns.push(values);
            }
        }
    }
    // Allows for weights and for uneven rounding.
    let tolerance = (4.0 * rounding).clamp(SMALLEST_PIVOT, MOST_LEFT);
    let found = linear_functions(&columns, tolerance).into_iter().zip(&places);
    let mut of_x = found.filter_map(|(of, &(side, column))| {
        let of: Vec<_> = of?.into_iter().map(|index| places[index]).collect();
        let joins = side == Side::Y && of.iter().any(|(side, _)| *side == Side::X);
        joins.then_some(Warning::LinearFunction { column, of })
    });
    of_x.next()
}
