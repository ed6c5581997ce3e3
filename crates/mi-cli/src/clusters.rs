//! Orders columns so that those which share information are adjacent.

/// An order of the columns of a symmetric matrix of similarities, with clusters next to each other.
///
/// Average linkage (Sokal and Michener 1958) by chains of nearest neighbours (Murtagh 1983), in n²
/// time and memory. Of the four ways to join two clusters end to end, it takes the one whose
/// touching columns are most similar. The diagonal is not read; values that are not finite count as
/// zero. The same matrix gives the same order.
pub fn order(similarity: &[Vec<f64>]) -> Vec<usize> {
    let n = similarity.len();
    let read = |i: usize, j: usize| Some(similarity[i][j]).filter(|v| v.is_finite()).unwrap_or(0.0);
    let mut means: Vec<Vec<f64>> =
        (0..n).map(|i| (0..n).map(|j| if i == j { 0.0 } else { read(i, j) }).collect()).collect();
    // The members of each cluster, in order; those that were joined to another one are empty.
    let mut clusters: Vec<Vec<usize>> = (0..n).map(|i| vec![i]).collect();
    let mut chain: Vec<usize> = Vec::new();
    for _ in 1..n {
        let (a, b) = nearest_pair(&clusters, &means, &mut chain);
        let (from, into) = (std::mem::take(&mut clusters[b]), std::mem::take(&mut clusters[a]));
        let (small, large) = (from.len() as f64, into.len() as f64);
        let joined = std::mem::take(&mut means[b]);
        for (mean, gone) in means[a].iter_mut().zip(&joined) {
            *mean = (large * *mean + small * gone) / (large + small);
        }
        means[b] = joined;
        // Both halves of the matrix are equal.
        let row = means[a].clone();
        for (other, mean) in means.iter_mut().zip(row) {
            other[a] = mean;
        }
        clusters[a] = end_to_end(into, from, read);
    }
    clusters.into_iter().find(|cluster| !cluster.is_empty()).unwrap_or_default()
}

/// Two clusters, each the most similar to the other. The chain that led to them, without its last
/// two, is kept for the next pair.
fn nearest_pair(
    clusters: &[Vec<usize>],
    means: &[Vec<f64>],
    chain: &mut Vec<usize>,
) -> (usize, usize) {
    loop {
        let last = if let Some(&last) = chain.last() {
            last
        } else {
            let first = clusters.iter().position(|cluster| !cluster.is_empty()).unwrap_or(0);
            chain.push(first);
            first
        };
        let before = chain.len().checked_sub(2).map(|place| chain[place]);
        let mut nearest = before;
        for (other, cluster) in clusters.iter().enumerate() {
            if cluster.is_empty() || other == last {
                continue;
            }
            // Only a strictly nearer cluster continues the chain, so that ties cannot make a cycle.
            if nearest.is_none_or(|nearest| means[last][other] > means[last][nearest]) {
                nearest = Some(other);
            }
        }
        match nearest {
            Some(nearest) if Some(nearest) == before => {
                chain.truncate(chain.len() - 2);
                return (last.min(nearest), last.max(nearest));
            }
            Some(nearest) => chain.push(nearest),
            None => return (last, last),
        }
    }
}

/// The members of both, oriented so that the touching ends are most similar.
fn end_to_end(
    mut a: Vec<usize>,
    mut b: Vec<usize>,
    similarity: impl Fn(usize, usize) -> f64,
) -> Vec<usize> {
    let ends = |cluster: &[usize]| (cluster[0], cluster[cluster.len() - 1]);
    let ((a_first, a_last), (b_first, b_last)) = (ends(&a), ends(&b));
    let ways = [
        (similarity(a_last, b_first), false, false),
        (similarity(a_last, b_last), false, true),
        (similarity(a_first, b_first), true, false),
        (similarity(a_first, b_last), true, true),
    ];
    let mut best = ways[0];
    for way in ways {
        if way.0 > best.0 {
            best = way;
        }
    }
    if best.1 {
        a.reverse();
    }
    if best.2 {
        b.reverse();
    }
    a.append(&mut b);
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixed_up_groups_stand_together_again() {
        // Column c belongs to group c mod 4.
        let n = 24;
        let similarity = |i: usize, j: usize| {
            let near = 1.0 + 0.001 * ((i * 7 + j * 7) % 11) as f64;
            if i % 4 == j % 4 { near } else { 0.1 * near }
        };
        let matrix: Vec<Vec<f64>> =
            (0..n).map(|i| (0..n).map(|j| similarity(i, j)).collect()).collect();
        let order = order(&matrix);
        let mut all = order.clone();
        all.sort_unstable();
        assert_eq!(all, (0..n).collect::<Vec<_>>());
        let changes = order.windows(2).filter(|pair| pair[0] % 4 != pair[1] % 4).count();
        assert_eq!(changes, 3, "{order:?}");
    }

    #[test]
    fn a_row_of_neighbours_keeps_its_order() {
        let n: usize = 9;
        let places: [usize; 9] = [4, 0, 7, 2, 8, 1, 6, 3, 5];
        let matrix: Vec<Vec<f64>> = (0..n)
            .map(|i| (0..n).map(|j| 1.0 / (1.0 + places[i].abs_diff(places[j]) as f64)).collect())
            .collect();
        let found: Vec<usize> = order(&matrix).into_iter().map(|i| places[i]).collect();
        let steps = found.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) == 1).count();
        assert!(steps >= 6, "{found:?}");
    }

    #[test]
    fn odd_matrices_have_an_order() {
        assert!(order(&[]).is_empty());
        assert_eq!(order(&[vec![f64::NAN]]), [0]);
        assert_eq!(order(&vec![vec![f64::NAN; 3]; 3]).len(), 3);
        assert_eq!(order(&vec![vec![1.0; 40]; 40]).len(), 40);
    }
}
