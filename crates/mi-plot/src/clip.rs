//! Clips lines and areas at the edges of the plot, geometrically.
//!
//! A `clipPath` would need ids, which collide if a page has several drawings.

/// A point on the drawing.
pub(crate) type Position = (f64, f64);

/// The plot's rectangle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Area {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) right: f64,
    pub(crate) bottom: f64,
}

impl Area {
    pub(crate) fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(crate) fn height(&self) -> f64 {
        self.bottom - self.top
    }
}

/// The part of a segment inside the area (Liang and Barsky 1984).
fn segment(area: &Area, from: Position, to: Position) -> Option<(Position, Position)> {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (mut enter, mut leave) = (0.0f64, 1.0f64);
    let edges = [
        (-dx, from.0 - area.left),
        (dx, area.right - from.0),
        (-dy, from.1 - area.top),
        (dy, area.bottom - from.1),
    ];
    for (outward, distance) in edges {
        if outward == 0.0 {
            if distance < 0.0 {
                return None;
            }
        } else if outward < 0.0 {
            enter = enter.max(distance / outward);
        } else {
            leave = leave.min(distance / outward);
        }
    }
    let at = |t: f64| (from.0 + t * dx, from.1 + t * dy);
    (enter <= leave).then(|| (at(enter), at(leave)))
}

/// The runs of a line inside the area; a `None` breaks the line.
pub(crate) fn polyline(area: &Area, points: &[Option<Position>]) -> Vec<Vec<Position>> {
    let mut runs: Vec<Vec<Position>> = Vec::new();
    for pair in points.windows(2) {
        let [Some(from), Some(to)] = *pair else { continue };
        let Some((start, end)) = segment(area, from, to) else { continue };
        match runs.last_mut() {
            Some(run) if run.last() == Some(&start) => run.push(end),
            _ => runs.push(vec![start, end]),
        }
    }
    runs
}

/// The part of a polygon inside the area (Sutherland and Hodgman 1974).
pub(crate) fn polygon(area: &Area, corners: &[Position]) -> Vec<Position> {
    let left = |p: Position| p.0 - area.left;
    let right = |p: Position| area.right - p.0;
    let top = |p: Position| p.1 - area.top;
    let bottom = |p: Position| area.bottom - p.1;
    let halves: [&dyn Fn(Position) -> f64; 4] = [&left, &right, &top, &bottom];
    let mut polygon = corners.to_vec();
    for inside in halves {
        let mut kept = Vec::with_capacity(polygon.len() + 4);
        for (index, &corner) in polygon.iter().enumerate() {
            let previous = polygon[(index + polygon.len() - 1) % polygon.len()];
            let (before, here) = (inside(previous), inside(corner));
            if (before < 0.0) != (here < 0.0) {
                let t = before / (before - here);
                kept.push((
                    previous.0 + t * (corner.0 - previous.0),
                    previous.1 + t * (corner.1 - previous.1),
                ));
            }
            if here >= 0.0 {
                kept.push(corner);
            }
        }
        polygon = kept;
    }
    polygon
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Area = Area { left: 0.0, top: 0.0, right: 10.0, bottom: 10.0 };

    #[test]
    fn a_line_is_cut_where_it_crosses_the_edge() {
        let runs = polyline(&AREA, &[Some((0.0, 20.0)), Some((10.0, 0.0)), None, Some((1.0, 1.0))]);
        assert_eq!(runs, vec![vec![(5.0, 10.0), (10.0, 0.0)]]);
        assert!(polyline(&AREA, &[Some((-5.0, 1.0)), Some((-1.0, 9.0))]).is_empty());
        assert!(polyline(&AREA, &[Some((1.0, 1.0))]).is_empty());
    }

    #[test]
    fn a_polygon_is_cut_at_every_edge() {
        let big = [(-5.0, -5.0), (15.0, -5.0), (15.0, 15.0), (-5.0, 15.0)];
        let cut = polygon(&AREA, &big);
        assert_eq!(cut.len(), 4);
        assert!(cut.iter().all(|&(x, y)| [0.0, 10.0].contains(&x) && [0.0, 10.0].contains(&y)));
        assert!(polygon(&AREA, &[(20.0, 20.0), (30.0, 20.0), (30.0, 30.0)]).is_empty());
        assert!(polygon(&AREA, &[]).is_empty());
    }
}
