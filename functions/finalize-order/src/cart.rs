//! Takes what was bought out of the cart, and leaves what was added later.

use makegood::db::Connection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A line of the cart as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
struct CartLine {
    id: Uuid,
    variant_id: Uuid,
    quantity: i32,
}

/// The lines to delete, and those to keep with how many pieces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Remainder {
    gone: Vec<Uuid>,
    kept: Vec<Uuid>,
    quantities: Vec<i32>,
}

/// Removes the bought pieces from the buyer's cart; a line that comes to nothing is deleted. Locks the lines first, so
/// that a buyer who changes the cart at this moment waits and changes what is left.
pub(crate) async fn remove_bought(
    connection: &mut Connection,
    cart_id: Uuid,
    bought: &BTreeMap<Uuid, i64>,
) -> Result<(), sqlx::Error> {
    let variants: Vec<Uuid> = bought.keys().copied().collect();
    let lines = sqlx::query_as!(
        CartLine,
        "SELECT id, variant_id, quantity FROM cart_items
         WHERE cart_id = $1 AND variant_id = ANY($2) ORDER BY id FOR UPDATE",
        cart_id,
        &variants,
    )
    .fetch_all(&mut *connection)
    .await?;
    let remainder = remainder(&lines, bought);
    sqlx::query!(
        "WITH gone AS (DELETE FROM cart_items WHERE id = ANY($1))
         UPDATE cart_items c SET quantity = k.quantity, updated_at = now()
         FROM unnest($2::uuid[], $3::integer[]) AS k (id, quantity) WHERE c.id = k.id",
        &remainder.gone,
        &remainder.kept,
        &remainder.quantities,
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn remainder(lines: &[CartLine], bought: &BTreeMap<Uuid, i64>) -> Remainder {
    let mut remainder = Remainder::default();
    for line in lines {
        let bought = bought.get(&line.variant_id).copied().unwrap_or(0);
        match i32::try_from(i64::from(line.quantity).saturating_sub(bought)) {
            Ok(left) if left > 0 => {
                remainder.kept.push(line.id);
                remainder.quantities.push(left);
            }
            _ => remainder.gone.push(line.id),
        }
    }
    remainder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_was_bought_stays_and_less_goes() {
        let id = Uuid::from_u128;
        let line = |number: u128, quantity| CartLine {
            id: id(number),
            variant_id: id(number + 100),
            quantity,
        };
        let bought = BTreeMap::from([(id(101), 2), (id(102), 2), (id(103), 2)]);
        let lines = [line(1, 3), line(2, 2), line(3, 1)];
        assert_eq!(
            remainder(&lines, &bought),
            Remainder {
                gone: vec![id(2), id(3)],
                kept: vec![id(1)],
                quantities: vec![1]
            }
        );
    }
}
