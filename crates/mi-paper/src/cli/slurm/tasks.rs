//! Divides trials into tasks, and tasks into arrays.

use mi_paper::cost::{self, ImageSize};
use mi_paper::plan::Plan;

/// The estimated time of a task, in seconds.
const WORK: f64 = 900.0;
/// The assumed floating-point operations per second of a core in complete trials. It is not
/// measured, since the grouping must not depend on the machine that runs the command.
const RATE: f64 = 20e9;
/// Seconds that any trial takes for evaluations and files, in addition to its training.
const LEAST: f64 = 2.0;

/// The number of trials per task, so that a task is worth scheduling.
pub(super) fn trials_per_task(plan: &Plan) -> usize {
    let seconds: f64 = plan
        .trials
        .iter()
        .map(|trial| LEAST + cost::estimate(trial, ImageSize::of(&trial.dataset)).flops / RATE)
        .sum();
    let mean = seconds / plan.trials.len().max(1) as f64;
    ((WORK / mean) as usize).clamp(1, plan.trials.len().max(1))
}

/// Tasks of one array. Slurm numbers them from 0; `offset` is added to each number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) offset: usize,
    /// Numbers of the tasks, without the offset, in order.
    pub(super) tasks: Vec<usize>,
}

impl Chunk {
    /// The tasks in the form of `sbatch --array`: `0-3,7`.
    pub(super) fn array(&self) -> String {
        let mut ranges: Vec<(usize, usize)> = Vec::new();
        for &task in &self.tasks {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == task => *last = task,
                _ => ranges.push((task, task)),
            }
        }
        let range = |&(first, last): &(usize, usize)| {
            if first == last { first.to_string() } else { format!("{first}-{last}") }
        };
        ranges.iter().map(range).collect::<Vec<_>>().join(",")
    }
}

/// The tasks with unfinished trials, in arrays whose numbers are below `limit`.
pub(super) fn chunks(left: &[usize], per_task: usize, limit: usize) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut tasks: Vec<usize> = left.iter().map(|trial| trial / per_task).collect();
    tasks.dedup();
    for task in tasks {
        let offset = task / limit * limit;
        match chunks.last_mut() {
            Some(chunk) if chunk.offset == offset => chunk.tasks.push(task - offset),
            _ => chunks.push(Chunk { offset, tasks: vec![task - offset] }),
        }
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trial_that_is_left_has_one_task() {
        for (count, per_task, limit) in [(23, 1, 1000), (23, 5, 2), (40, 3, 4), (1, 9, 1)] {
            let left: Vec<usize> = (0..count).filter(|trial| trial % 4 != 1).collect();
            let chunks = chunks(&left, per_task, limit);
            let mut covered = Vec::new();
            for chunk in &chunks {
                assert!(chunk.tasks.iter().all(|&task| task < limit), "{chunk:?}");
                for task in &chunk.tasks {
                    let first = (chunk.offset + task) * per_task;
                    covered.extend((first..first + per_task).filter(|trial| left.contains(trial)));
                }
            }
            assert_eq!(covered, left);
        }
    }

    #[test]
    fn arrays_are_written_in_ranges() {
        let array = |tasks: &[usize]| Chunk { offset: 0, tasks: tasks.to_vec() }.array();
        assert_eq!(array(&[0, 1, 2, 3]), "0-3");
        assert_eq!(array(&[0, 2, 3, 7]), "0,2-3,7");
        assert_eq!(array(&[5]), "5");
    }
}
