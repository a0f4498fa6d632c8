//! Messages of gRPC, and the plain values that the machines take.

/// What is generated from `proto/`.
#[allow(missing_docs, clippy::pedantic, clippy::all, unused_qualifications)]
pub(super) mod proto {
    tonic::include_proto!("iris_check.v1");
}
