// Compiles the C half and packs it, as the cc crate would.
use std::{env, path::PathBuf, process::Command};

fn run(command: &mut Command) {
    assert!(command.status().expect("the tool starts").success());
}

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap());
    let compiler = env::var_os("CC").unwrap_or("cc".into());
    run(Command::new(compiler).args(["-O2", "-fPIC", "-c", "native/triple.c", "-o"]).arg(out.join("triple.o")));
    run(Command::new("ar").arg("crs").arg(out.join("libtriple.a")).arg(out.join("triple.o")));
    println!("cargo:rerun-if-changed=native/triple.c");
    println!("cargo:rustc-link-search=native={}", out.display());
    println!("cargo:rustc-link-lib=static=triple");
}
