//! Single-decree Paxos over stateright's actors: each client writes once and reads once, and what
//! they saw must be that of one register. A model that knows nothing of us.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use stateright::Expectation;
use stateright::actor::register::{RegisterActor, RegisterMsg};
use stateright::actor::{Actor, ActorModel, Id, Network, Out, majority, model_peers};
use stateright::semantics::LinearizabilityTester;
use stateright::semantics::register::Register;

/// A round, and whose it is.
type Ballot = (u32, Id);
/// The request, who made it, and the value to be written.
type Decree = (u64, Id, char);
type Call = RegisterMsg<u64, char, Word>;

/// What the servers say to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Word {
    /// Will you follow this ballot?
    Ask(Ballot),
    /// I will; this is what I voted for last.
    Promise(Ballot, Option<(Ballot, Decree)>),
    Propose(Ballot, Decree),
    Vote(Ballot),
    Chosen(Ballot, Decree),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Seat {
    /// The highest that was heard of.
    ballot: Option<Ballot>,
    /// What it wants, or has to want, chosen.
    wish: Option<Decree>,
    promises: BTreeMap<Id, Option<(Ballot, Decree)>>,
    votes: BTreeSet<Id>,
    voted: Option<(Ballot, Decree)>,
    is_over: bool,
}

#[derive(Clone, Debug)]
pub struct Server {
    others: Vec<Id>,
}

impl Server {
    fn tell_all(&self, word: Word, out: &mut Out<Self>) {
        out.broadcast(&self.others, &RegisterMsg::Internal(word));
    }

    fn is_majority(&self, count: usize) -> bool {
        count == majority(self.others.len() + 1)
    }

    /// A client wants a value written: the first such wish opens a ballot.
    fn begin(&self, me: Id, seat: &mut Seat, decree: Decree, out: &mut Out<Self>) {
        let ballot = (seat.ballot.map_or(0, |(round, _)| round) + 1, me);
        seat.ballot = Some(ballot);
        seat.wish = Some(decree);
        seat.promises = BTreeMap::from([(me, seat.voted)]);
        seat.votes.clear();
        self.tell_all(Word::Ask(ballot), out);
    }

    /// With a majority behind it, a ballot proposes what was voted for last, or else its wish.
    fn promised(&self, me: Id, seat: &mut Seat, ballot: Ballot, out: &mut Out<Self>) {
        if !self.is_majority(seat.promises.len()) {
            return;
        }
        let bound = seat.promises.values().flatten().max().map(|(_, decree)| *decree);
        let decree = bound.or(seat.wish).expect("who asks has a wish");
        seat.wish = Some(decree);
        seat.voted = Some((ballot, decree));
        seat.votes.insert(me);
        self.tell_all(Word::Propose(ballot, decree), out);
    }

    fn voted(&self, seat: &mut Seat, ballot: Ballot, out: &mut Out<Self>) {
        if !self.is_majority(seat.votes.len()) {
            return;
        }
        let decree = seat.wish.expect("who proposes has a wish");
        seat.is_over = true;
        self.tell_all(Word::Chosen(ballot, decree), out);
        out.send(decree.1, RegisterMsg::PutOk(decree.0));
    }

    /// What it makes of another server's word. A seat that is not made one's own says that the
    /// word changed nothing: such a step is none.
    fn hear(&self, me: Id, seat: &mut Cow<Seat>, from: Id, word: Word, out: &mut Out<Self>) {
        match word {
            Word::Ask(ballot) if seat.ballot < Some(ballot) => {
                seat.to_mut().ballot = Some(ballot);
                out.send(from, RegisterMsg::Internal(Word::Promise(ballot, seat.voted)));
            }
            Word::Promise(ballot, voted) if seat.ballot == Some(ballot) => {
                let seat = seat.to_mut();
                seat.promises.insert(from, voted);
                self.promised(me, seat, ballot, out);
            }
            Word::Propose(ballot, decree) if seat.ballot <= Some(ballot) => {
                let seat = seat.to_mut();
                seat.ballot = Some(ballot);
                seat.voted = Some((ballot, decree));
                out.send(from, RegisterMsg::Internal(Word::Vote(ballot)));
            }
            Word::Vote(ballot) if seat.ballot == Some(ballot) => {
                let seat = seat.to_mut();
                seat.votes.insert(from);
                self.voted(seat, ballot, out);
            }
            Word::Chosen(ballot, decree) => {
                let seat = seat.to_mut();
                seat.ballot = Some(ballot);
                seat.voted = Some((ballot, decree));
                seat.is_over = true;
            }
            Word::Ask(_) | Word::Promise(..) | Word::Propose(..) | Word::Vote(_) => {}
        }
    }
}

impl Actor for Server {
    type Msg = Call;
    type State = Seat;
    type Timer = ();
    type Random = ();
    type Storage = ();

    fn on_start(&self, _: Id, _: &Option<()>, _: &mut Out<Self>) -> Seat {
        Seat::default()
    }

    fn on_msg(&self, me: Id, seat: &mut Cow<Seat>, from: Id, call: Call, out: &mut Out<Self>) {
        match call {
            RegisterMsg::Get(request) if seat.is_over => {
                let (_, (.., value)) = seat.voted.expect("what is over was voted for");
                out.send(from, RegisterMsg::GetOk(request, value));
            }
            RegisterMsg::Put(request, value) if !seat.is_over && seat.wish.is_none() => {
                self.begin(me, seat.to_mut(), (request, from, value), out);
            }
            RegisterMsg::Internal(word) if !seat.is_over => self.hear(me, seat, from, word, out),
            RegisterMsg::Get(_)
            | RegisterMsg::Put(..)
            | RegisterMsg::PutOk(_)
            | RegisterMsg::GetOk(..)
            | RegisterMsg::Internal(_) => {}
        }
    }
}

pub type Paxos = ActorModel<RegisterActor<Server>, (), LinearizabilityTester<Id, Register<char>>>;

/// So many servers and clients, over a network that neither loses nor doubles anything.
pub fn paxos(servers: usize, clients: usize) -> Paxos {
    let server = |at| RegisterActor::Server(Server { others: model_peers(at, servers) });
    let client = |_| RegisterActor::Client { put_count: 1, server_count: servers };
    ActorModel::new((), LinearizabilityTester::new(Register(char::default())))
        .actors((0..servers).map(server))
        .actors((0..clients).map(client))
        .init_network(Network::new_unordered_nonduplicating([]))
        .record_msg_in(RegisterMsg::record_returns)
        .record_msg_out(RegisterMsg::record_invocations)
        .property(Expectation::Always, "linearizable", |_, state| {
            state.history.serialized_history().is_some()
        })
        .property(Expectation::Sometimes, "a value is read", |_, state| {
            state.network.iter_deliverable().any(|envelope| {
                matches!(envelope.msg, RegisterMsg::GetOk(_, value) if *value != char::default())
            })
        })
}
