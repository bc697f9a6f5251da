//! What lies in the topics, and how far each group has come: what a broker and Lambda's event source know together.

use makegood_tests::kafka_tap::Tapped;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A partition, `(topic, number)`.
pub type Place = (String, i32);

/// Records of one partition that a group is to process.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// As the function gets them.
    pub event: Value,
    /// How many there are.
    pub records: usize,
    end: usize,
    generation: u32,
}

/// The records of one partition, in the order of their offsets.
#[derive(Debug, Default)]
struct Partition {
    records: Vec<Value>,
    /// The first one of the topic as it is now; it has offset zero.
    first: usize,
    /// How often the topic was made anew.
    generation: u32,
    /// By group: the first record that is not committed.
    committed: BTreeMap<&'static str, usize>,
}

/// All partitions.
#[derive(Debug, Default)]
pub struct Log {
    partitions: BTreeMap<Place, Partition>,
    events: BTreeMap<String, Value>,
    /// How many records were handed to functions.
    pub delivered: u64,
    /// How many records were written.
    pub written: u64,
}

impl Log {
    /// A partition that this group reads.
    pub fn subscribe(&mut self, group: &'static str, place: Place) {
        self.partitions
            .entry(place)
            .or_default()
            .committed
            .insert(group, 0);
    }

    /// A record has come.
    pub fn append(&mut self, tapped: Tapped) {
        self.written += 1;
        if let Some(event) = tapped
            .value
            .and_then(|text| serde_json::from_str::<Value>(&text).ok())
            && let Some(id) = event["_metadata"]["eventId"].as_str()
        {
            self.events.entry(id.to_owned()).or_insert(event);
        }
        let place = (tapped.topic, tapped.partition);
        self.partitions
            .entry(place)
            .or_default()
            .records
            .push(tapped.record);
    }

    /// Whether this group has anything to read there.
    #[must_use]
    pub fn has_any(&self, group: &str, place: &Place) -> bool {
        self.partitions.get(place).is_some_and(|partition| {
            let committed = partition.committed.get(group);
            committed.is_some_and(|committed| *committed < partition.records.len())
        })
    }

    /// What this group is to process next there, up to so many records; the same again until it is committed.
    pub fn batch(&mut self, group: &str, place: &Place, most: usize) -> Option<Batch> {
        let partition = self.partitions.get(place)?;
        let begin = *partition.committed.get(group)?;
        let end = partition.records.len().min(begin + most);
        if begin == end {
            return None;
        }
        let records: Vec<Value> = (begin..end)
            .map(|index| {
                let mut record = partition.records[index].clone();
                record["offset"] = json!(index - partition.first);
                record
            })
            .collect();
        let name = format!("{}-{}", place.0, place.1);
        let batch = Batch {
            records: records.len(),
            event: json!({"eventSource": "aws:kafka",
                "eventSourceArn": "arn:aws:kafka:us-east-1:000000000000:cluster/chaos/1", "bootstrapServers": "",
                "records": {name: records}}),
            end,
            generation: partition.generation,
        };
        self.delivered += u64::try_from(batch.records).unwrap_or_default();
        Some(batch)
    }

    /// The group has done this batch. What was read before the topic was made anew can't be committed to it.
    pub fn commit(&mut self, group: &str, place: &Place, batch: &Batch) {
        let Some(partition) = self.partitions.get_mut(place) else {
            return;
        };
        if partition.generation != batch.generation {
            return;
        }
        if let Some(committed) = partition.committed.get_mut(group) {
            *committed = batch.end.max(*committed);
        }
    }

    /// The topic is deleted and made anew. What not every group had done is copied to the new one, where offsets begin at zero
    /// and every group begins at the beginning.
    pub fn make_anew(&mut self, topic: &str) {
        let of_topic = self.partitions.iter_mut().filter(|((name, _), _)| name == topic);
        for (_, partition) in of_topic {
            partition.first = partition
                .committed
                .values()
                .copied()
                .min()
                .unwrap_or(partition.first);
            partition.generation += 1;
            for committed in partition.committed.values_mut() {
                *committed = partition.first;
            }
        }
    }

    /// How many records some group has not done, by group.
    #[must_use]
    pub fn behind(&self) -> usize {
        let partitions = self.partitions.values();
        let behind = partitions.flat_map(|partition| {
            let end = partition.records.len();
            partition.committed.values().map(move |committed| end - committed)
        });
        behind.sum()
    }

    /// Every event that was ever written, once each.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.events.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        ("payments".to_owned(), 0)
    }

    fn log_of(records: usize) -> Log {
        let mut log = Log::default();
        log.subscribe("one", place());
        log.subscribe("other", place());
        for number in 0..records {
            log.append(Tapped {
                topic: "payments".to_owned(),
                partition: 0,
                record: json!({"offset": number, "value": number}),
                value: Some(json!({"_metadata": {"eventId": number.to_string()}}).to_string()),
            });
        }
        log
    }

    fn offsets(batch: &Batch) -> Vec<(u64, u64)> {
        let records = batch.event["records"]["payments-0"].as_array().unwrap();
        let number = |value: &Value| value.as_u64().unwrap();
        records
            .iter()
            .map(|record| (number(&record["offset"]), number(&record["value"])))
            .collect()
    }

    #[test]
    fn a_batch_comes_again_until_its_group_commits_it() {
        let mut log = log_of(3);
        let batch = log.batch("one", &place(), 2).unwrap();
        assert_eq!(offsets(&batch), [(0, 0), (1, 1)]);
        assert_eq!(log.batch("one", &place(), 2).unwrap(), batch);
        log.commit("one", &place(), &batch);
        assert_eq!(offsets(&log.batch("one", &place(), 2).unwrap()), [(2, 2)]);
        assert_eq!(offsets(&log.batch("other", &place(), 9).unwrap()).len(), 3);
        assert_eq!(log.behind(), 1 + 3);
        assert_eq!(log.events().len(), 3);
    }

    #[test]
    fn in_a_topic_made_anew_offsets_begin_at_zero_with_what_was_not_done_and_old_commits_are_void() {
        let mut log = log_of(3);
        let (ahead, done) = (
            log.batch("one", &place(), 2).unwrap(),
            log.batch("other", &place(), 1).unwrap(),
        );
        log.commit("one", &place(), &ahead);
        log.commit("other", &place(), &done);
        let under_way = log.batch("one", &place(), 9).unwrap();
        log.make_anew("payments");
        log.commit("one", &place(), &under_way);
        for group in ["one", "other"] {
            assert_eq!(offsets(&log.batch(group, &place(), 9).unwrap()), [(0, 1), (1, 2)]);
        }
        assert!(log.has_any("one", &place()));
    }
}
