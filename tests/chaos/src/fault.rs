//! What can go wrong, by name, and the cells that group it.

use std::fmt;
use std::str::FromStr;

/// A part of the surroundings. What goes wrong in one cell goes wrong one after the other; cells run beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cell {
    /// The queues.
    Sqs,
    /// The functions' environments.
    Environment,
    /// Postgres, PgBouncer and the link to them.
    Database,
    /// The admin service, the gateways, Redis.
    Services,
    /// Passwords and signing secrets.
    Secrets,
    /// The clocks of the environments' hosts.
    Clock,
    /// Topics, in a run over Kafka.
    Kafka,
}

impl Cell {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Sqs,
        Self::Environment,
        Self::Database,
        Self::Services,
        Self::Secrets,
        Self::Clock,
        Self::Kafka,
    ];

    /// As the command line has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqs => "sqs",
            Self::Environment => "environment",
            Self::Database => "database",
            Self::Services => "services",
            Self::Secrets => "secrets",
            Self::Clock => "clock",
            Self::Kafka => "kafka",
        }
    }
}

macro_rules! faults {
    ($($name:ident $cell:ident $wire:literal $from:literal..$to:literal $says:literal;)+) => {
        /// One kind of fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fault {
            $(#[doc = $says] $name,)+
        }

        impl Fault {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// As the command line and the table have it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $wire,)+ }
            }

            /// Where it happens.
            #[must_use]
            pub const fn cell(self) -> Cell {
                match self { $(Self::$name => Cell::$cell,)+ }
            }

            /// What it is, in one line.
            #[must_use]
            pub const fn says(self) -> &'static str {
                match self { $(Self::$name => $says,)+ }
            }

            /// How long it lasts at least and at most, in milliseconds.
            #[must_use]
            pub const fn lasts_millis(self) -> (u64, u64) {
                match self { $(Self::$name => ($from, $to),)+ }
            }
        }
    };
}

faults! {
    Duplicates Sqs "duplicates" 3_000..6_000 "messages are delivered twice, at once or after they were deleted";
    Delays Sqs "delays" 3_000..6_000 "messages arrive seconds late";
    Reordering Sqs "reordering" 3_000..6_000 "messages arrive in any order";
    LateSends Sqs "late-sends" 3_000..6_000 "SendMessageBatch takes the messages and answers seconds late";
    LostSends Sqs "lost-sends" 3_000..6_000 "SendMessageBatch takes the messages, and its answer is lost";
    Throttling Sqs "throttling" 3_000..6_000 "SQS answers RequestThrottled, or refuses single entries";
    KillAtRandom Environment "kill-at-random" 2_000..5_000 "environments are killed (SIGKILL) whatever they do";
    KillAtSend Environment "kill-at-send" 2_000..5_000 "environments are killed as they send to a queue, before or after it took the messages";
    Freeze Environment "freeze" 3_000..8_000 "environments are stopped (SIGSTOP) for seconds and go on";
    ShortDeadlines Environment "short-deadlines" 4_000..8_000 "invocations have two to four seconds";
    Crash Database "crash" 1_000..3_000 "Postgres crashes and is started again";
    TerminatedLinks Database "terminated-links" 2_000..4_000 "pg_terminate_backend on half of the links, again and again";
    Flapping Database "flapping" 6_000..10_000 "every link is terminated (57P01) ten times a second, and a new one is taken at once";
    LateAnswers Database "late-answers" 5_000..8_000 "six answers of the database in a hundred come two to five seconds late";
    LateBegin Database "late-begin" 4_000..8_000 "every third BEGIN is answered two to five seconds late";
    VanishedPeer Database "vanished-peer" 2_000..4_000 "every open link swallows what is sent, without a reset; new ones work";
    ReadOnlyHost Database "read-only-host" 3_000..6_000 "the database answers 25006 to every write";
    Failover Database "failover" 2_000..4_000 "every link is cut, those made meanwhile lead to a read-only host, and stay there";
    LockedRows Database "locked-rows" 4_000..8_000 "another session holds rows of every table that a stage writes";
    FullTable Database "full-table" 2_000..4_000 "no connection is left on the server (53300)";
    BouncerRestart Database "bouncer-restart" 500..2_500 "PgBouncer is killed and started again";
    DroppedIndex Database "dropped-index" 2_000..5_000 "unique_active_purchase is dropped, and built again";
    InvalidIndex Database "invalid-index" 2_000..5_000 "unique_active_purchase is invalid, and built again";
    DiskFull Database "disk-full" 2_000..4_000 "the disk of Postgres is full (53100)";
    AdminDown Services "admin-down" 2_000..5_000 "the admin service refuses connections";
    AdminSlow Services "admin-slow" 3_000..6_000 "the admin service takes two to four seconds";
    AdminGarbage Services "admin-garbage" 2_000..5_000 "the admin service answers with pages, 500, 429, or breaks off";
    AdminLost Services "admin-lost" 2_000..5_000 "the admin service gives a trainer, and its answer is lost";
    GatewaysDown Services "gateways-down" 2_000..5_000 "the gateways refuse connections";
    GatewaysSlow Services "gateways-slow" 3_000..6_000 "the gateways take one to four seconds";
    GatewaysGarbage Services "gateways-garbage" 2_000..5_000 "the gateways answer with pages, 500, 429, or break off";
    GatewaysLost Services "gateways-lost" 2_000..5_000 "the gateways do what they are asked, and the answer is lost";
    RedisDown Services "redis-down" 3_000..6_000 "Redis refuses connections, or says nothing";
    RotatedPassword Secrets "rotated-password" 2_000..6_000 "the database's password changes in the servers and in the secret, one before the other, and every link is cut";
    RotatedSigningSecret Secrets "rotated-signing-secret" 4_000..8_000 "both signing secrets get a successor beside them, then go";
    SkewedClocks Clock "skewed-clocks" 8_000..15_000 "half of the environments have clocks that are off by one to ten minutes, either way";
    Rebalance Kafka "rebalance" 3_000..6_000 "every batch of a partition is delivered to two environments at once";
    Poison Kafka "poison" 3_000..6_000 "records that can't be read, odd envelopes and tombstones lie between the payments";
    RecreatedTopic Kafka "recreated-topic" 2_000..5_000 "topics are deleted and made anew: offsets begin at zero, with what was not done";
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// What `--cells` chose: whole cells, single faults, `all` or `none`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen(pub Vec<Fault>);

/// There is no cell and no fault of this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownCell(String);

impl fmt::Display for UnknownCell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells: Vec<&str> = Cell::ALL.iter().map(|cell| cell.name()).collect();
        let faults: Vec<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        write!(
            formatter,
            "there is no cell {:?}; cells are all, none, {}; single faults are {}",
            self.0,
            cells.join(", "),
            faults.join(", ")
        )
    }
}

impl std::error::Error for UnknownCell {}

impl FromStr for Chosen {
    type Err = UnknownCell;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut chosen = Vec::new();
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let matching: Vec<Fault> = Fault::ALL
                .iter()
                .copied()
                .filter(|fault| name == "all" || name == fault.cell().name() || name == fault.name())
                .collect();
            if matching.is_empty() && name != "none" {
                return Err(UnknownCell(name.to_owned()));
            }
            chosen.extend(matching);
        }
        chosen.sort_unstable();
        chosen.dedup();
        Ok(Self(chosen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_and_single_faults_are_chosen_by_name_and_others_are_refused() {
        let of = |text: &str| text.parse::<Chosen>().map(|chosen| chosen.0);
        assert_eq!(of("all").unwrap(), Fault::ALL);
        assert_eq!(of("none").unwrap(), []);
        assert_eq!(of("crash, freeze,crash").unwrap(), [Fault::Freeze, Fault::Crash]);
        assert!(of("database").unwrap().contains(&Fault::LateAnswers));
        assert!(
            of("database")
                .unwrap()
                .iter()
                .all(|fault| fault.cell() == Cell::Database)
        );
        assert!(of("databse").unwrap_err().to_string().contains("vanished-peer"));
    }
}
