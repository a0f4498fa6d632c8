//! The client: submit, look, cancel, and wait without polling.

use std::fmt;

use tonic::{Code, Status};

use crate::model::id::{AttemptId, JobId, WorkerId};
use crate::model::spec::JobSpec;
use crate::model::time::Millis;

use super::clock::Clock;
use super::net::{BadAddress, Network, Way};
use super::status::{ClusterStatus, JobStatus, JobSummary};
use super::wire::proto::client_client::ClientClient;
use super::wire::{self, proto};

/// The longest pause between two tries of a wait that lost its controller.
const LONGEST_PAUSE: Millis = Millis::seconds(5);
/// Bytes of one reply: a job of ten thousand tasks has a long status.
const REPLY: usize = 256 * 1024 * 1024;

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The request is not what it should be; it names the field and what was expected.
    Invalid(String),
    /// There is no such job, worker, or attempt.
    NotFound(String),
    /// The controller cannot be reached, or took nothing down: try again.
    Unavailable(String),
    /// More was asked than is allowed at once: try again later.
    TooMuch(String),
    /// The cluster wants its token, and got none or another.
    Unauthenticated(String),
    /// The controller gave an answer that means nothing.
    Internal(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(says)
            | Self::NotFound(says)
            | Self::TooMuch(says)
            | Self::Unauthenticated(says) => f.write_str(says),
            Self::Unavailable(says) => write!(f, "the controller does not answer: {says}"),
            Self::Internal(says) => write!(f, "the controller's answer makes no sense: {says}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        let says = status.message().to_owned();
        match status.code() {
            Code::InvalidArgument | Code::OutOfRange | Code::FailedPrecondition => {
                Self::Invalid(says)
            }
            Code::NotFound => Self::NotFound(says),
            Code::ResourceExhausted => Self::TooMuch(says),
            Code::Unauthenticated | Code::PermissionDenied => Self::Unauthenticated(says),
            Code::Ok
            | Code::Cancelled
            | Code::Unknown
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::Unavailable => Self::Unavailable(says),
            Code::AlreadyExists | Code::Unimplemented | Code::Internal | Code::DataLoss => {
                Self::Internal(says)
            }
        }
    }
}

/// A client of one controller; copies share the connection.
#[derive(Debug, Clone)]
pub struct Client {
    line: ClientClient<Way>,
    clock: Clock,
}

impl Client {
    /// A client of the controller that listens at this address. It connects when it is first used.
    ///
    /// # Errors
    /// The text is no address.
    pub fn new(network: &Network, address: &str, clock: Clock) -> Result<Self, BadAddress> {
        let line = ClientClient::new(network.reach(address)?).max_decoding_message_size(REPLY);
        Ok(Self { line, clock })
    }

    /// Submits a job. With a `request_id` it may be called again after an error: the same request
    /// submits once.
    ///
    /// # Errors
    /// A field is out of its limits, or the controller took nothing down.
    pub async fn submit(&self, spec: &JobSpec) -> Result<JobId, Error> {
        let request = proto::SubmitRequest { spec: Some(wire::spec_to(spec)) };
        let reply = self.line.clone().submit(request).await?;
        wire::id("job", &reply.get_ref().job).map_err(odd)
    }

    /// How a job stands.
    ///
    /// # Errors
    /// There is no such job, or the controller does not answer.
    pub async fn status(&self, job: JobId) -> Result<JobStatus, Error> {
        let reply = self.line.clone().status(request(job)).await?;
        wire::job_from(reply.into_inner()).map_err(odd)
    }

    /// All jobs that are kept, in order of submission.
    ///
    /// # Errors
    /// The controller does not answer.
    pub async fn list(&self) -> Result<Vec<JobSummary>, Error> {
        let reply = self.line.clone().list(proto::ListRequest {}).await?.into_inner();
        reply.jobs.into_iter().map(wire::summary_from).collect::<Result<_, _>>().map_err(odd)
    }

    /// Cancels a job; one that has ended stays as it is.
    ///
    /// # Errors
    /// There is no such job, or the controller took nothing down.
    pub async fn cancel(&self, job: JobId) -> Result<(), Error> {
        self.line.clone().cancel(request(job)).await?;
        Ok(())
    }

    /// Waits until a job has ended, also over restarts of the controller.
    ///
    /// # Errors
    /// There is no such job. A controller that does not answer is waited for.
    pub async fn wait(&self, job: JobId) -> Result<JobStatus, Error> {
        self.follow(job, |_| ()).await
    }

    /// As [`Client::wait`], and tells each state that the job comes to meanwhile.
    ///
    /// # Errors
    /// As [`Client::wait`].
    pub async fn follow(
        &self,
        job: JobId,
        mut tell: impl FnMut(&JobStatus),
    ) -> Result<JobStatus, Error> {
        let mut pause = Millis(50);
        loop {
            match self.line.clone().wait(request(job)).await {
                Ok(stream) => {
                    let mut statuses = stream.into_inner();
                    // A stream that breaks is asked for again.
                    while let Ok(Some(status)) = statuses.message().await {
                        let status = wire::job_from(status).map_err(odd)?;
                        if status.state.has_ended() {
                            return Ok(status);
                        }
                        pause = Millis(50);
                        tell(&status);
                    }
                }
                Err(status) => match Error::from(status) {
                    Error::Unavailable(_) | Error::TooMuch(_) => {}
                    error @ (Error::Invalid(_)
                    | Error::NotFound(_)
                    | Error::Unauthenticated(_)
                    | Error::Internal(_)) => return Err(error),
                },
            }
            self.clock.sleep(pause).await;
            pause = Millis(pause.0 * 2).min(LONGEST_PAUSE);
        }
    }

    /// The cluster, as its controller sees it.
    ///
    /// # Errors
    /// The controller does not answer.
    pub async fn cluster(&self) -> Result<ClusterStatus, Error> {
        let reply = self.line.clone().cluster(proto::ClusterRequest {}).await?;
        wire::cluster_from(reply.into_inner()).map_err(odd)
    }

    /// All jobs that are kept, in order of submission, and the cluster, at one moment: what
    /// several calls tell may be of several.
    ///
    /// # Errors
    /// The controller does not answer.
    pub async fn snapshot(&self) -> Result<(Vec<JobStatus>, ClusterStatus), Error> {
        let reply = self.line.clone().snapshot(proto::SnapshotRequest {}).await?.into_inner();
        let jobs = reply.jobs.into_iter().map(wire::job_from).collect::<Result<_, _>>();
        let cluster = wire::cluster_from(reply.cluster.unwrap_or_default()).map_err(odd)?;
        Ok((jobs.map_err(odd)?, cluster))
    }

    /// Closes a worker to new work, or opens it again.
    ///
    /// # Errors
    /// No such worker was ever heard of, or the controller took nothing down.
    pub async fn drain(&self, worker: WorkerId, closed: bool) -> Result<(), Error> {
        let request = proto::DrainRequest { worker: worker.to_string(), closed };
        self.line.clone().drain(request).await?;
        Ok(())
    }

    /// What an attempt wrote so far, piece by piece.
    ///
    /// # Errors
    /// There is no such attempt, or its worker does not answer.
    pub async fn logs(
        &self,
        attempt: AttemptId,
        stderr: bool,
        mut tell: impl FnMut(&[u8]),
    ) -> Result<(), Error> {
        let request = proto::LogsRequest { attempt: attempt.to_string(), stderr };
        let mut chunks = self.line.clone().logs(request).await?.into_inner();
        while let Some(chunk) = chunks.message().await? {
            tell(&chunk.data);
        }
        Ok(())
    }
}

fn request(job: JobId) -> proto::JobRequest {
    proto::JobRequest { job: job.to_string() }
}

#[expect(clippy::needless_pass_by_value, reason = "it is a mapping of errors, which own them")]
fn odd(status: Status) -> Error {
    Error::Internal(status.message().to_owned())
}
