//! The program: everything is in [`iris_check::cli`].

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    iris_check::cli::run(std::env::args_os())
}
