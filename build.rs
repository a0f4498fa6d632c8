//! Code for the services of gRPC, from `proto/`, without `protoc`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let services = protox::compile(["proto/iris_check.proto"], ["proto"])?;
    // Ordered maps: the bytes of a message follow from its value.
    tonic_prost_build::configure().btree_map(".").compile_fds(services)?;
    Ok(())
}
