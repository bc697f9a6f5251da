//! The allocations of the stub: one a student and course, trainers in turn.

use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// An allocation as the protocol shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Allocation {
    /// Its id.
    pub id: Uuid,
    /// Who teaches; null while no trainer is free.
    pub trainer_id: Option<Uuid>,
    /// Who learns.
    pub student_id: Uuid,
    /// What.
    pub course_id: Uuid,
    /// `approved` or `pending`.
    pub status: &'static str,
    #[serde(skip)]
    key: String,
}

/// What a request comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Placement {
    /// A trainer, given now or before under the same key.
    Granted(Allocation),
    /// No trainer is free.
    Waiting(Allocation),
    /// Given before, under another key.
    Taken(Allocation),
}

/// Student, course, and the idempotency key where that counts, else an empty text.
type Slot = (Uuid, Uuid, String);

/// All allocations and the trainers.
#[derive(Debug)]
pub(super) struct Allocations {
    trainers: Vec<Uuid>,
    given: usize,
    free_from_call: u64,
    keyed_by_request: bool,
    by_slot: BTreeMap<Slot, Allocation>,
    /// The allocations whose trainer has left.
    left: BTreeSet<Uuid>,
}

impl Allocations {
    pub(super) fn with_trainers(trainers: Vec<Uuid>) -> Self {
        Self {
            trainers,
            given: 0,
            free_from_call: 0,
            keyed_by_request: false,
            by_slot: BTreeMap::new(),
            left: BTreeSet::new(),
        }
    }

    pub(super) fn set_free_from_call(&mut self, number: u64) {
        self.free_from_call = number;
    }

    pub(super) fn key_by_request(&mut self) {
        self.keyed_by_request = true;
    }

    pub(super) fn all(&self) -> Vec<Allocation> {
        self.by_slot.values().cloned().collect()
    }

    pub(super) fn of_pair(&self, student: Uuid, course: Uuid) -> Vec<&Allocation> {
        let wanted = |found: &&Allocation| (found.student_id, found.course_id) == (student, course);
        self.by_slot.values().filter(wanted).collect()
    }

    /// The trainers of this pair have left: the next request under another key gets another allocation.
    pub(super) fn leave(&mut self, student: Uuid, course: Uuid) {
        let gone: Vec<Uuid> = self.of_pair(student, course).iter().map(|one| one.id).collect();
        self.left.extend(gone);
    }

    /// The documented behaviour: the same key gets the same allocation, in whatever state it is by now.
    pub(super) fn place(&mut self, call: u64, key: &str, student: Uuid, course: Uuid) -> Placement {
        let slot = self.slot(key, student, course);
        if self
            .by_slot
            .get(&slot)
            .is_some_and(|known| known.key != key && self.left.contains(&known.id))
        {
            self.by_slot.remove(&slot);
        }
        match self.by_slot.get(&self.slot(key, student, course)) {
            Some(known) if known.trainer_id.is_some() && known.key == key => {
                Placement::Granted(known.clone())
            }
            Some(known) if known.trainer_id.is_some() => Placement::Taken(known.clone()),
            _ if call < self.free_from_call => Placement::Waiting(self.wait(key, student, course)),
            _ => Placement::Granted(self.grant(key, student, course)),
        }
    }

    /// The allocation without a trainer; one that has a trainer keeps it.
    pub(super) fn wait(&mut self, key: &str, student: Uuid, course: Uuid) -> Allocation {
        self.entry(key, student, course).clone()
    }

    /// The allocation with a trainer, the next in turn when it has none yet.
    pub(super) fn grant(&mut self, key: &str, student: Uuid, course: Uuid) -> Allocation {
        let next = self
            .trainers
            .get(self.given % self.trainers.len().max(1))
            .copied();
        let entry = self.entry(key, student, course);
        let gives = entry.trainer_id.is_none() && next.is_some();
        if gives {
            entry.trainer_id = next;
            entry.status = "approved";
        }
        let granted = entry.clone();
        self.given += usize::from(gives);
        granted
    }

    fn entry(&mut self, key: &str, student_id: Uuid, course_id: Uuid) -> &mut Allocation {
        let slot = self.slot(key, student_id, course_id);
        self.by_slot.entry(slot).or_insert_with(|| Allocation {
            id: Uuid::new_v4(),
            trainer_id: None,
            student_id,
            course_id,
            status: "pending",
            key: key.to_owned(),
        })
    }

    fn slot(&self, key: &str, student: Uuid, course: Uuid) -> Slot {
        (
            student,
            course,
            if self.keyed_by_request {
                key.to_owned()
            } else {
                String::new()
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STUDENT: Uuid = Uuid::from_u128(1);
    const COURSE: Uuid = Uuid::from_u128(2);

    #[test]
    fn the_same_key_gets_the_same_allocation_and_another_is_refused() {
        let mut allocations = Allocations::with_trainers(vec![Uuid::from_u128(8), Uuid::from_u128(9)]);
        let Placement::Granted(first) = allocations.place(1, "key", STUDENT, COURSE) else {
            panic!("not granted")
        };
        assert_eq!(
            allocations.place(2, "key", STUDENT, COURSE),
            Placement::Granted(first.clone())
        );
        assert_eq!(
            allocations.place(3, "other", STUDENT, COURSE),
            Placement::Taken(first)
        );
        let Placement::Granted(second) = allocations.place(4, "next", COURSE, STUDENT) else {
            panic!("not granted")
        };
        assert_eq!(second.trainer_id, Some(Uuid::from_u128(9)));
    }

    #[test]
    fn who_waits_keeps_the_allocations_id_until_a_trainer_is_free() {
        let mut allocations = Allocations::with_trainers(vec![Uuid::from_u128(8)]);
        allocations.set_free_from_call(2);
        let Placement::Waiting(waiting) = allocations.place(1, "key", STUDENT, COURSE) else {
            panic!("not waiting")
        };
        let Placement::Granted(granted) = allocations.place(2, "key", STUDENT, COURSE) else {
            panic!("not granted")
        };
        assert_eq!((granted.id, granted.status), (waiting.id, "approved"));
    }
}
