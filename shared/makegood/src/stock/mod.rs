//! Stock: pieces reserved for a payment intent, freed when it comes to nothing, taken when it becomes an order.
//! What is enough is decided purely; the rows change under locks that everybody takes in one order.
//!
//! The order of the locks, everywhere: the intent's row, then `inventory` by variant id, then the reservations. Whoever
//! changes the reservations of an intent holds its row, so no other transaction changes them meanwhile. All functions take
//! these locks themselves, hold them until the caller's transaction ends, never commit, and want READ COMMITTED. What becomes an
//! order is taken by `finalize-order`, for a set of intents at once, in the same order of locks.

mod counters;
mod decide;
mod lock;
mod move_to;
mod put_back;
mod release;
mod reserve;
mod sweep;

pub use counters::{are_counters_right, correct_counters};
pub use decide::{Level, Line, Shortage, shortages, wanted_by_variant};
pub use lock::{Locks, lock_intent};
pub use move_to::{move_to, release_all};
pub use put_back::{is_any_out, put_back};
pub use release::{Freed, ReleasedAs, release_if_active};
pub use reserve::{Reserved, extend_if_active, reserve};
pub use sweep::{EndedReservation, Expired, expire, list_ended};
