//! Who was erased: remembered by a hash of the id, so that what comes late makes nothing for that person (docs/decisions/0087).

use crate::db::Connection;
use std::collections::HashSet;
use uuid::Uuid;

const NAMESPACE: Uuid = Uuid::from_u128(0x8a3f_6c1e_52d7_4b0a_9f64_e1c0_7d2b_8a95);

/// The id under which an erased person's rows go on: a hash of the person's own, so that the same person always has the same, and
/// it does not lead back to the person.
///
/// ```
/// use makegood::erased::pseudonym;
/// use uuid::Uuid;
///
/// let student = Uuid::from_u128(7);
/// assert_eq!(pseudonym(student), pseudonym(student));
/// assert_ne!(pseudonym(student), student);
/// ```
#[must_use]
pub fn pseudonym(person: Uuid) -> Uuid {
    Uuid::new_v5(&NAMESPACE, person.as_bytes())
}

/// Which of these students were erased, or are being. Also one that is given by the pseudonym.
///
/// # Errors
/// Those of the database; 42P01 while `migrate` has not run.
pub async fn students(connection: &mut Connection, people: &[Uuid]) -> Result<HashSet<Uuid>, sqlx::Error> {
    if people.is_empty() {
        return Ok(HashSet::new());
    }
    let names: Vec<Uuid> = people
        .iter()
        .flat_map(|person| [*person, pseudonym(*person)])
        .collect();
    let known: Vec<Uuid> = sqlx::query_scalar!(
        "SELECT person FROM erased_people WHERE pipeline = 'course' AND person = ANY($1)",
        &names
    )
    .fetch_all(connection)
    .await?;
    let is_erased = |person: &Uuid| known.contains(person) || known.contains(&pseudonym(*person));
    Ok(people.iter().copied().filter(is_erased).collect())
}
