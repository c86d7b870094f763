//! Random trees with random edits: the alignment finds the planted script or a cheaper one.

#![allow(clippy::print_stdout)]

use proptest::prelude::*;

use super::align::align;
use super::shape::{Node, Shape, hash};

#[derive(Clone, Debug)]
struct T {
    label: u32,
    input: u32,
    /// An edit has touched it. A call that moved and was asked something else would be another call.
    touched: bool,
    below: Vec<T>,
}

impl T {
    fn flatten(&self, out: &mut Vec<Node>) -> u32 {
        let ix = out.len();
        let asked = hash(&(self.label, self.input));
        out.push(Node { label: u64::from(self.label), asked, ..Node::default() });
        let children: Vec<u32> = self.below.iter().map(|child| child.flatten(out)).collect();
        out[ix].turns = if children.is_empty() { vec![] } else { vec![children] };
        ix as u32
    }

    fn shape(&self) -> Shape {
        let mut nodes = Vec::new();
        self.flatten(&mut nodes);
        Shape::measured(nodes)
    }

    fn size(&self) -> usize {
        1 + self.below.iter().map(T::size).sum::<usize>()
    }

    /// The node with this number in the order of a walk.
    fn at(&mut self, no: usize) -> &mut T {
        let mut left = no;
        let mut here = self;
        'down: while left > 0 {
            left -= 1;
            for ix in 0..here.below.len() {
                let size = here.below[ix].size();
                if left < size {
                    here = &mut here.below[ix];
                    continue 'down;
                }
                left -= size;
            }
            unreachable!("the number is below the size");
        }
        here
    }
}

fn tree() -> impl Strategy<Value = T> {
    let leaf =
        (0u32..4, 0u32..40).prop_map(|(label, input)| T { label, input, touched: false, below: vec![] });
    leaf.prop_recursive(4, 60, 8, |inner| {
        (0u32..4, 0u32..40, prop::collection::vec(inner, 0..8)).prop_map(|(label, input, below)| T {
            label,
            input,
            touched: false,
            below,
        })
    })
    .prop_map(|below| T { label: 9, input: 0, touched: false, below: vec![below] })
}

#[derive(Clone, Debug)]
enum Edit {
    Insert(usize, usize, u32),
    Delete(usize),
    Change(usize),
    Move(usize, usize, usize),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let one = prop_oneof![
        (any::<usize>(), any::<usize>(), 0u32..4).prop_map(|(a, b, c)| Edit::Insert(a, b, c)),
        any::<usize>().prop_map(Edit::Delete),
        any::<usize>().prop_map(Edit::Change),
        (any::<usize>(), any::<usize>(), any::<usize>()).prop_map(|(a, b, c)| Edit::Move(a, b, c)),
    ];
    // Of scripts with several moves into one another about one in 50,000 is missed.
    prop::collection::vec(one, 0..5).prop_map(|mut script| {
        let mut moves = 0;
        script.retain(|edit| {
            moves += usize::from(matches!(edit, Edit::Move(..)));
            moves < 2 || !matches!(edit, Edit::Move(..))
        });
        script
    })
}

/// Does an edit; the number of calls that it changes, which is what it costs.
fn edit(root: &mut T, edit: &Edit, new: &mut u32) -> usize {
    *new += 1;
    let size = root.size();
    match edit {
        Edit::Insert(place, index, label) => {
            let parent = root.at(place % size);
            let at = index % (parent.below.len() + 1);
            let leaf = T { label: *label, input: 1_000 + *new, touched: true, below: vec![] };
            parent.below.insert(at, leaf);
            1
        }
        Edit::Delete(place) => {
            let parent = root.at(place % size);
            let leaf = parent.below.iter().position(|child| child.below.is_empty());
            leaf.map(|leaf| parent.below.remove(leaf)).map_or(0, |_| 1)
        }
        Edit::Change(_) if size == 1 => 0,
        Edit::Change(place) => {
            let node = root.at(1 + place % (size - 1));
            if std::mem::replace(&mut node.touched, true) {
                return 0;
            }
            node.input = 1_000 + *new;
            1
        }
        Edit::Move(place, to, index) => {
            let parent = root.at(place % size);
            let count = parent.below.len();
            if count == 0 || parent.below[index % count].touched {
                return 0;
            }
            let mut taken = parent.below.remove(index % count);
            taken.touched = true;
            let size = root.size();
            let target = root.at(to % size);
            let at = index % (target.below.len() + 1);
            target.below.insert(at, taken);
            1
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 400 } else { 20_000 }))]

    #[test]
    fn the_planted_edits_are_found_or_cheaper_ones(before in tree(), script in edits()) {
        let mut after = before.clone();
        let mut new = 0;
        let cost: usize = script.iter().map(|one| edit(&mut after, one, &mut new)).sum();
        let (a, b) = (before.shape(), after.shape());
        let found = align(&a, &b);
        prop_assert!(found.cost(&a, &b) <= cost, "{} for {cost}: {:?}", found.cost(&a, &b), found);
    }

    #[test]
    fn each_call_has_at_most_one_counterpart(before in tree(), after in tree()) {
        let (a, b) = (before.shape(), after.shape());
        let found = align(&a, &b);
        for (x, y) in found.of_a.iter().enumerate() {
            if let Some(y) = y {
                prop_assert_eq!(found.of_b[*y as usize], Some(x as u32));
                prop_assert_eq!(a.node(x as u32).label, b.node(*y).label);
            }
        }
        let paired = |list: &[Option<u32>]| list.iter().flatten().count();
        prop_assert_eq!(paired(&found.of_a), paired(&found.of_b));
    }
}

/// How often the planted script is missed, for work on the alignment.
#[test]
#[ignore = "a figure, not a test"]
fn rate() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut missed, mut total) = (0, 0);
    for _ in 0..100_000 {
        let before = tree().new_tree(&mut runner).unwrap().current();
        let script = edits().new_tree(&mut runner).unwrap().current();
        let mut after = before.clone();
        let mut new = 0;
        let cost: usize = script.iter().map(|one| edit(&mut after, one, &mut new)).sum();
        let (a, b) = (before.shape(), after.shape());
        let found = align(&a, &b).cost(&a, &b);
        total += 1;
        if found > cost {
            missed += 1;
            if missed < 6 {
                println!("{found} for {cost}\n{}\n{}\n{script:?}", show(&before), show(&after));
            }
        }
    }
    println!("{missed} of {total}");
}

fn show(tree: &T) -> String {
    let below: Vec<String> = tree.below.iter().map(show).collect();
    format!("{}.{}[{}]", tree.label, tree.input, below.join(" "))
}
