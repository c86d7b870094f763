//! How far apart several answers to one question are.

use std::time::Duration;

use similar::TextDiff;

/// Characters of an answer that are compared.
const LOOKED_AT: usize = 20_000;
/// How long one comparison may take before it becomes coarser.
const PATIENCE: Duration = Duration::from_millis(30);
/// Answers that are compared each with each.
const MOST: usize = 24;

/// Several answers to one question.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Spread {
    /// How many there are.
    pub answers: usize,
    /// Equal ones together, as indexes: the largest group first.
    pub clusters: Vec<Vec<usize>>,
    /// How much two of them differ, from 0 to 1, for each pair of the first few, rising.
    pub distances: Vec<f64>,
}

impl Spread {
    /// Of these answers.
    pub fn of(texts: &[String]) -> Self {
        let mut clusters: Vec<Vec<usize>> = Vec::new();
        for (at, text) in texts.iter().enumerate() {
            let same =
                |cluster: &&mut Vec<usize>| cluster.first().is_some_and(|first| texts[*first] == *text);
            match clusters.iter_mut().find(same) {
                Some(cluster) => cluster.push(at),
                None => clusters.push(vec![at]),
            }
        }
        clusters.sort_by_key(|cluster| std::cmp::Reverse(cluster.len()));
        let few = &texts[..texts.len().min(MOST)];
        let mut distances = Vec::new();
        for (at, one) in few.iter().enumerate() {
            distances.extend(few[at + 1..].iter().map(|other| distance(one, other)));
        }
        distances.sort_by(f64::total_cmp);
        Spread { answers: texts.len(), clusters, distances }
    }

    /// The part of the answers that are equal to the most frequent one.
    pub fn agreement(&self) -> f64 {
        let most = self.clusters.first().map_or(0, Vec::len);
        if self.answers == 0 { 1.0 } else { most as f64 / self.answers as f64 }
    }

    /// How much the two that are farthest apart differ.
    pub fn radius(&self) -> f64 {
        self.distances.last().copied().unwrap_or(0.0)
    }

    /// How much half of the pairs differ at most.
    pub fn median(&self) -> f64 {
        self.distances.get(self.distances.len() / 2).copied().unwrap_or(0.0)
    }

    /// How many pairs differ by 0-10 %, 10-20 % … as signs of rising height; a blank for none.
    pub fn chart(&self) -> String {
        const SIGNS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        let mut bins = [0usize; 10];
        for distance in &self.distances {
            bins[((distance * 10.0) as usize).min(9)] += 1;
        }
        let most = bins.iter().max().copied().unwrap_or(0).max(1);
        let sign = |n: &usize| if *n == 0 { ' ' } else { SIGNS[(n * 8).div_ceil(most).clamp(1, 8) - 1] };
        bins.iter().map(sign).collect()
    }
}

/// How much two texts differ by words: 0 for equal ones, 1 for texts that share nothing.
pub fn distance(a: &str, b: &str) -> f64 {
    if a == b {
        return 0.0;
    }
    let cut = |text: &str| text.chars().take(LOOKED_AT).collect::<String>();
    let (a, b) = (cut(a), cut(b));
    let diff = TextDiff::configure().timeout(PATIENCE).diff_words(&a, &b);
    (1.0 - f64::from(diff.ratio())).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_answers_stand_together_and_others_apart() {
        let texts: Vec<String> = ["Rome it is", "Rome it is", "Oslo it is", "Rome it is", "nothing alike"]
            .map(str::to_owned)
            .into();
        let found = Spread::of(&texts);
        assert_eq!(found.clusters, [vec![0, 1, 3], vec![2], vec![4]]);
        assert_eq!((found.agreement(), found.distances.len()), (0.6, 10));
        assert_eq!((found.distances[0], found.chart().chars().count()), (0.0, 10));
        assert!(found.radius() > 0.7 && distance("Rome it is", "Oslo it is") < 0.5, "{found:?}");
        assert!(
            found.chart().starts_with(|c| c != ' '),
            "equal pairs are in the first bin: {:?}",
            found.chart()
        );
    }

    #[test]
    fn one_answer_or_none_agrees_with_itself() {
        assert_eq!(Spread::of(&[]).agreement(), 1.0);
        let one = Spread::of(&["x".to_owned()]);
        assert_eq!((one.agreement(), one.radius(), one.chart().trim()), (1.0, 0.0, ""));
    }
}
