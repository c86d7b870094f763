//! The `tl-bench` program.

fn main() {
    std::process::exit(tl_bench::cli::run(std::env::args_os()));
}
