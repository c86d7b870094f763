//! The reader against real and broken pickles, and against the writer.

use bytes::Bytes;
use proptest::prelude::*;

use super::super::fixtures::{any_value, hex, normal, real};
use super::super::store::{self, Packed};
use super::super::tree::Value;
use super::super::{fixtures, usage, view};
use super::*;

const NAMES: [&str; 12] = [
    "enum",
    "slots",
    "pydantic",
    "datetime_zone",
    "uuid",
    "defaultdict",
    "deque",
    "array",
    "array_object",
    "frame",
    "chat",
    "surrogate",
];

#[test]
fn real_pickles_are_read_and_written_back() {
    for name in NAMES {
        let read = super::read(&real(name)).unwrap();
        let again = super::read(&to_pickle(&read.value).unwrap()).unwrap();
        assert_eq!(normal(&again.value), normal(&read.value), "{name}");
    }
}

#[test]
fn aliases_and_cycles_are_noticed() {
    assert!(super::read(&real("aliased")).unwrap().shared);
    assert!(!super::read(&real("same_dates")).unwrap().shared);
    assert!(!super::read(&real("same_zone")).unwrap().shared);
    // A method of a list, twice: an alias of the list.
    assert!(super::read(&real("same_method")).unwrap().shared);
    assert!(!super::read(&real("chat")).unwrap().shared);
    assert_eq!(super::read(&real("cyclic")).unwrap_err(), PickleError::Recursive);
    // A tuple with a list in it, twice: an alias of the list.
    assert!(super::read(&hex("80055d9428 5d8594 6801 652e")).unwrap().shared);
    // A tuple of strings, twice: none.
    assert!(!super::read(&hex("80055d9428 8c01618594 6801 652e")).unwrap().shared);
    // A bytearray twice.
    assert!(super::read(&hex("80055d9428 9601000000000000006194 6801 652e")).unwrap().shared);
    // A tuple that contains itself through a list.
    assert_eq!(super::read(&hex("80055d94680085612e")).unwrap_err(), PickleError::Recursive);
}

#[test]
fn effects_that_no_tree_expresses_are_refused() {
    let refused = |text: &str| matches!(super::read(&hex(text)), Err(PickleError::Unsupported(_)));
    // A call whose result is thrown away (a state setter).
    assert!(refused("80055d 8c01618c016293 29 52 30 2e"));
    // State set twice; elements after the state.
    assert!(refused("80058c01618c016293 29 81 4e62 4e62 2e"));
    assert!(refused("80058c01618c016293 29 81 4e62 4b0161 2e"));
    // Names of Python 2.
    assert!(refused("8002635f5f6275696c74696e5f5f0a6c6973740a2e"));
    assert_eq!(super::read(&hex("80055a2e")).unwrap_err(), PickleError::Opcode(0x5a));
    assert_eq!(super::read(&hex("80055d")).unwrap_err(), PickleError::Truncated);
    // A length beyond the end allocates nothing.
    assert_eq!(super::read(&hex("80058effffffffffffff7f")).unwrap_err(), PickleError::Truncated);
    assert!(matches!(super::read(&hex("800572ffffff7f2e")).unwrap_err(), PickleError::Malformed(_)));
}

fn nested(levels: usize) -> Bytes {
    let mut pickle = vec![0x80, 5];
    pickle.extend(std::iter::repeat_n(b']', levels));
    pickle.extend(std::iter::repeat_n(b'a', levels - 1));
    pickle.push(b'.');
    pickle.into()
}

/// Everything that can be done with a pickle; small stacks show recursion that is too deep.
fn use_it(pickle: &Bytes) {
    let mut sink = fixtures::Memory::default();
    let (packed, value) = store::pack_keep(pickle, &mut sink);
    view::to_json(&value, &view::ViewLimits::default());
    view::to_json(&value, &view::ViewLimits::full());
    usage::find(&value);
    let Packed { digest, inline, .. } = packed;
    let back = store::unpack(&digest, inline.as_deref(), &sink).unwrap();
    let again = store::pack(&back, &mut fixtures::Memory::default());
    assert_eq!(again.canonical, packed.canonical);
    store::load_value(&digest, inline.as_deref(), &sink).unwrap();
    store::pack_item("x", pickle, &mut sink);
}

#[test]
fn deep_values_do_not_overflow_the_stack() {
    let work = || {
        for levels in [MAX_DEPTH, MAX_DEPTH + 1, 10_000, 1_000_000] {
            let pickle = nested(levels);
            assert_eq!(super::read(&pickle).is_ok(), levels <= MAX_DEPTH);
            use_it(&pickle);
        }
        // Deep through tuples of the memo, and through instances.
        let mut pickle = vec![0x80, 5, b')', 0x94];
        for _ in 0..5000 {
            pickle.extend_from_slice(&[0x85, 0x94]);
        }
        pickle.push(b'.');
        use_it(&pickle.into());
        let mut value = Value::None;
        for _ in 0..MAX_DEPTH - 1 {
            value = Value::reduce(Value::global("a", "b"), vec![value]);
        }
        // An instance takes two levels.
        assert!(to_pickle(&value).is_err());
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(work).unwrap().join().unwrap();
}

#[test]
fn integers_take_their_shortest_form() {
    for number in [0, 255, 256, 65_535, 65_536, -1, i64::from(i32::MIN), i64::MAX, i64::MIN] {
        let pickle = to_pickle(&Value::Int(number)).unwrap();
        assert_eq!(super::read(&pickle).unwrap().value, Value::Int(number));
    }
    assert_eq!(super::read(&hex("80058a002e")).unwrap().value, Value::Int(0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn written_values_are_read_back(value in any_value()) {
        let read = super::read(&to_pickle(&value).unwrap()).unwrap();
        prop_assert_eq!(normal(&read.value), normal(&value));
        prop_assert!(!read.shared);
    }

    #[test]
    fn mutated_pickles_do_no_harm(
        name in 0..NAMES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        cuts in any::<bool>(),
    ) {
        let mut bytes = real(NAMES[name]).to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len()));
        }
        use_it(&bytes.into());
    }

    #[test]
    fn random_opcodes_do_no_harm(
        ops in prop::collection::vec(prop::sample::select(b"(.012JKMNRXabd}e]hjlqr)su\x81\x85\x86\x87\x88\x89\x8c\x8f\x90\x91\x92\x93\x94\x00\x01\x02a".to_vec()), 0..300)
    ) {
        let mut pickle = vec![0x80, 5];
        pickle.extend(ops);
        pickle.push(b'.');
        use_it(&pickle.into());
    }
}
