//! Round trips against a real Python: what it pickled comes back equal to it.
//!
//! Runs one `python3` for all cases; skipped when there is none.

use std::io::Write;
use std::process::{Command, Stdio};

use bytes::Bytes;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::base::digest::hex as to_hex;

use super::fixtures::{Memory, hex, plain_value};
use super::tree::Value;
use super::{pickle, store};

/// Makes values, and compares what it gets back with them.
const MAKE: &str = r"
import collections, datetime, decimal, enum, fractions, pathlib, pickle, re, sys, types, uuid
app = types.ModuleType('app'); sys.modules['app'] = app
class Base:
    __module__ = 'app'
    def __eq__(self, other): return type(self) is type(other) and self.__dict__ == other.__dict__
    def __repr__(self): return f'{type(self).__name__}({self.__dict__})'
class Plain(Base):
    def __init__(self, **fields): self.__dict__.update(fields)
class Names(list): __module__ = 'app'
class Map(dict): __module__ = 'app'
class Group(set): __module__ = 'app'
class Word(str): __module__ = 'app'
class Ex(Base):
    def __new__(cls, *, k): self = super().__new__(cls); self.k = k; return self
    def __getnewargs_ex__(self): return (), {'k': self.k}
class Color(enum.Enum): RED = 1; BLUE = 'b'
class Flags(enum.IntFlag): A = 1; B = 2
class Own:
    def __init__(self): self.x = 1
    def __getstate__(self): return ('state', self.x)
    def __setstate__(self, state): self.x = state[1]
    def __repr__(self): return f'Own({self.x})'
class Setter:
    def __reduce__(self): return (Setter, (), {'a': 1}, None, None, set_state)
    def __repr__(self): return f'Setter({self.__dict__})'
def set_state(obj, state): obj.__dict__['set'] = dict(state)
for thing in (Plain, Names, Map, Group, Word, Ex, Color, Flags, Own, Setter, set_state):
    thing.__module__ = 'app'; setattr(app, thing.__name__, thing)
names = Names([1, [2]]); names.extra = 'e'
shared = {'k': [1]}
cyclic = Plain(a=1); cyclic.me = cyclic
class_with_items = Map(a=Names()); class_with_items.note = 1
T = datetime.timezone
CASES = [None, True, 1, -1, 2**62, 2**63, -2**63, -2**63-1, 2**200, -2**2100, 1.5, float('inf'), -0.0, '', 'é\0\n', 'a\udc80',
 'x'*5000, b'', b'\0'*300, b'y'*100000, bytearray(b'z'), [], [1], list(range(2500)), (), (1,), (1,2,3,4), {}, {1: 2}, {i: str(i) for i in range(2100)},
 set(), {1}, set(range(1500)), frozenset(), frozenset([1, 'a']), ['same text']*300, [['n', i] for i in range(100)],
 int, len, collections.OrderedDict.fromkeys, Plain(a=1, b=[Plain()]), names, class_with_items, Group([1]), Word('w'), Ex(k=3), [Color.RED, Color.BLUE], Flags(3),
 Own(), Setter(), [Setter(), Setter()], datetime.datetime(2024,1,2,3,4,5,6), datetime.datetime(2024,1,2,tzinfo=T.utc), datetime.date.max, datetime.time(1), datetime.timedelta(-1, 5),
 T(datetime.timedelta(hours=2), 'X'), decimal.Decimal('1.50'), uuid.UUID(int=7), pathlib.PurePosixPath('/a/b'), fractions.Fraction(1, 3), 1+2j, range(5), slice(1, None), Ellipsis,
 collections.defaultdict(list, {1: [2]}), collections.OrderedDict(b=1, a=2), collections.Counter('aab'), collections.deque([1], 3), types.SimpleNamespace(a=1), re.compile('a+', re.I),
 ValueError('x', 1), KeyError('k'), [shared, shared], (shared, [shared]), cyclic, [T.utc, T.utc]]
deep = []
for _ in range(300): deep = [deep]
CASES.append(deep)
";

const DUMP: &str = "
sys.setrecursionlimit(10000)
for value in CASES:
    for protocol in (5, 4, 3): print(pickle.dumps(value, protocol).hex())
";

const COMPARE: &str = r"
lines = sys.stdin.read().split('\n')
def same(a, b):
    if isinstance(a, (set, frozenset)): return type(a) is type(b) and a == b
    return repr(a) == repr(b) and type(a) is type(b)
position = 0
for index, value in enumerate(CASES):
    for protocol in (5, 4, 3):
        back = pickle.loads(bytes.fromhex(lines[position])); position += 1
        value = pickle.loads(pickle.dumps(value, 5))
        if not same(value, back): print('DIFFERS', index, protocol, repr(value)[:200], repr(back)[:200])
back = pickle.loads(bytes.fromhex(lines[position])); position += 1
if back[0] is not back[1]: print('ALIAS LOST')
wrapped = pickle.loads(bytes.fromhex(lines[position])); position += 1
if not (wrapped['a']['k'] == 1 and wrapped['x'][0] is wrapped['x'][1]): print('WRAPPED', wrapped)
based = pickle.loads(bytes.fromhex(lines[position])); position += 1
if not (type(based) is dict and based['p'] is based['q'] and list(based) == ['p', 'q', 'z']): print('BASED', based)
for first, second in zip(lines[position::2], lines[position + 1::2]):
    a, b = pickle.loads(bytes.fromhex(first)), pickle.loads(bytes.fromhex(second))
    if not same(a, b): print('DIFFERS', repr(a)[:300], repr(b)[:300])
print('done')
";

fn python(program: &str, input: &str) -> Option<String> {
    let mut child = Command::new("python3")
        .args(["-c", program])
        .env("PYTHONHASHSEED", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let feeder = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    assert!(output.status.success());
    Some(String::from_utf8(output.stdout).unwrap())
}

fn round_trip(pickle: &Bytes) -> Bytes {
    let mut sink = Memory::default();
    let packed = store::pack(pickle, &mut sink);
    store::unpack(&packed.digest, packed.inline.as_deref(), &sink).unwrap()
}

#[test]
fn python_gets_back_what_it_pickled() {
    let Some(dumped) = python(&format!("{MAKE}{DUMP}"), "") else { return };
    let pickles: Vec<Bytes> = dumped.lines().map(hex).collect();
    let mut lines = Vec::new();
    for protocols in pickles.chunks(3) {
        let canonical = |pickle: &Bytes| store::pack(pickle, &mut Memory::default()).canonical;
        let value = pickle::read_lossy(&protocols[0]);
        // Protocol 4 has no opcode for a bytearray and calls its class.
        if pickle::read(&protocols[0]).is_ok() && !matches!(value, Value::ByteArray(_)) {
            assert_eq!(canonical(&protocols[0]), canonical(&protocols[1]), "{value:?}");
        }
        lines.extend(protocols.iter().map(|pickle| to_hex(&round_trip(pickle))));
    }
    let mut sink = Memory::default();
    let aliased = hex("80055d94285d944b01616801652e");
    lines.push(to_hex(&round_trip(&aliased)));
    let base = hex("80057d948c0161947d948c016b944b0173732e");
    let wrapped = store::pack_dict(&base, &[("x".to_owned(), aliased)], &mut sink).unwrap();
    lines.push(to_hex(&store::unpack(&wrapped.digest, wrapped.inline.as_deref(), &sink).unwrap()));
    let base = hex("80057d94288c0170945d944b01618c01719468 02752e");
    let three = pickle::to_pickle(&Value::Int(3)).unwrap();
    let based = store::pack_dict(&base, &[("z".to_owned(), three)], &mut sink).unwrap();
    lines.push(to_hex(&store::unpack(&based.digest, based.inline.as_deref(), &sink).unwrap()));
    let mut runner = TestRunner::deterministic();
    for _ in 0..150 {
        let value = plain_value().new_tree(&mut runner).unwrap().current();
        let pickle = pickle::to_pickle(&value).unwrap();
        lines.push(to_hex(&pickle));
        lines.push(to_hex(&round_trip(&pickle)));
    }
    let report = python(&format!("{MAKE}{COMPARE}"), &lines.join("\n")).unwrap();
    assert_eq!(report, "done\n");
}
