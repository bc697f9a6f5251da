//! The guarantees of SPEC section 1, by name.

use serde::Serialize;
use std::fmt;
use std::str::FromStr;

macro_rules! guarantees {
    ($($name:ident: $promise:literal),+ $(,)?) => {
        /// A guarantee of SPEC section 1.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        pub enum Guarantee {
            $(#[doc = $promise] $name,)+
        }

        impl Guarantee {
            /// All of them, in order.
            pub const ALL: [Self; 12] = [$(Self::$name),+];

            /// `G1` and so on.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// What is promised, in one line.
            #[must_use]
            pub const fn promise(self) -> &'static str {
                match self { $(Self::$name => $promise,)+ }
            }
        }
    };
}

guarantees! {
    G1: "every payment for a course has its purchase, or an open case; and every purchase has its payment",
    G2: "every purchase has one allocation, or waits visibly for a trainer",
    G3: "every allocation of a running purchase has its future sessions, or all that remain, and none after the end",
    G4: "what was committed was published, and what was published happened",
    G5: "every paid intent has one order with its items, or an open case",
    G6: "stock is never oversold, and its books add up",
    G7: "no job stays in the hands of a dead worker",
    G8: "nothing vanishes: what could not be processed is kept, and can be replayed",
    G9: "replays leave the same rows",
    G10: "the constraints that keep rows single are there and valid",
    G11: "a payment that was given back in full has no running purchase and no order on its way, or an open case",
    G12: "every payment in the provider's statement is known here, or an open case",
}

/// There is no guarantee of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no guarantee {0:?}; they are G1 to G12")]
pub struct UnknownGuarantee(String);

impl FromStr for Guarantee {
    type Err = UnknownGuarantee;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|guarantee| guarantee.name().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| UnknownGuarantee(text.to_owned()))
    }
}

impl fmt::Display for Guarantee {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guarantee_is_named_in_either_case_and_others_are_refused() {
        assert_eq!("g10".parse(), Ok(Guarantee::G10));
        for guarantee in Guarantee::ALL {
            assert_eq!(guarantee.name().parse(), Ok(guarantee));
        }
        let refused = "G13".parse::<Guarantee>().unwrap_err().to_string();
        assert!(refused.contains("G1 to G12"), "{refused}");
    }
}
