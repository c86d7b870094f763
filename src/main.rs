//! The `tl-bench` program.

/// A third of the scheduler's own time went into the system's allocator, which grows a thread's heap in small steps and
/// gives large buffers back at once. It stands in for that of SQLite, too (`override`): a commit takes a fifth of a
/// step less. Version 2, because 3 keeps a fifth more memory in a wide map.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    std::process::exit(tl_bench::cli::run(std::env::args_os()));
}
