//! Who comes to the shop in a run, with what in the cart, and what becomes of each. Pure.

use makegood::gateway::Provider;
use uuid::Uuid;

/// Different articles on the shelves, besides the last piece.
const ARTICLES: usize = 6;
const VENDORS: usize = 2;
/// No buyer's cart empties a shelf: it holds this many pieces for each buyer.
const PIECES_FOR_EACH: i32 = 8;
const LEAST_PRICE_MINOR: i64 = 15_000;
/// More of one article than there are.
const TOO_MANY: i32 = 100_000;

/// What a buyer does after filling the cart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Story {
    /// Pays, comes back, and waits for the order.
    Pays,
    /// The same, and the page asks three times at once whether it is paid.
    ClicksTwice,
    /// Sends the checkout twice at once under one key, as a page does that got no answer.
    ChecksOutTwice,
    /// Checks out again in a second tab, with the other gateway, and pays in the first.
    OpensSecondTab,
    /// Puts more into the cart between checkout and paying; that must stay there.
    ChangesCart,
    /// The gateway says "pending" at first.
    GatewayIsUnsure,
    /// Cancels at the gateway and comes back.
    Cancels,
    /// Pays and closes the tab: no browser tells the shop.
    ClosesTab,
    /// Leaves without paying or cancelling.
    WalksAway,
    /// Pays when the reservation has ended; the goods are still there.
    PaysLate,
    /// Pays when the reservation has ended and the last piece is sold.
    PaysTooLate,
    /// Takes the last piece while the one who pays too late hesitates.
    TakesLastPiece,
    /// The gateway has one paisa more than was asked for.
    PaysWrongAmount,
    /// Wants more than there is.
    WantsTooMuch,
}

/// What must become of a buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// One order.
    Order,
    /// Nothing: no order, no money, and the stock free again.
    Nothing,
    /// Refused at the checkout.
    Refused,
    /// An open case of this kind.
    Case(&'static str),
}

impl Story {
    /// What every twenty-four buyers do; the others among them just pay.
    const TURNS: [Self; 12] = [
        Self::ClosesTab,
        Self::Cancels,
        Self::ClicksTwice,
        Self::PaysLate,
        Self::Cancels,
        Self::ClosesTab,
        Self::WalksAway,
        Self::OpensSecondTab,
        Self::ChangesCart,
        Self::ChecksOutTwice,
        Self::GatewayIsUnsure,
        Self::WantsTooMuch,
    ];
    const ROUND: usize = 24;

    /// What must come of it.
    #[must_use]
    pub const fn end(self) -> End {
        match self {
            Self::Pays
            | Self::ClicksTwice
            | Self::ChecksOutTwice
            | Self::OpensSecondTab
            | Self::ChangesCart
            | Self::GatewayIsUnsure
            | Self::ClosesTab
            | Self::PaysLate
            | Self::TakesLastPiece => End::Order,
            Self::Cancels | Self::WalksAway => End::Nothing,
            Self::PaysTooLate => End::Case("refund_due"),
            Self::PaysWrongAmount => End::Case("amount_mismatch"),
            Self::WantsTooMuch => End::Refused,
        }
    }

    /// Comes back to the shop at once, and waits for the order there.
    #[must_use]
    pub const fn comes_back(self) -> bool {
        match self {
            Self::Pays
            | Self::ClicksTwice
            | Self::ChecksOutTwice
            | Self::OpensSecondTab
            | Self::ChangesCart
            | Self::GatewayIsUnsure
            | Self::TakesLastPiece => true,
            Self::Cancels
            | Self::ClosesTab
            | Self::WalksAway
            | Self::PaysLate
            | Self::PaysTooLate
            | Self::PaysWrongAmount
            | Self::WantsTooMuch => false,
        }
    }

    /// The reservation ends before anything else happens.
    #[must_use]
    pub const fn outlives_its_reservation(self) -> bool {
        matches!(self, Self::PaysLate | Self::PaysTooLate | Self::WalksAway)
    }
}

/// An article on the shelf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Article {
    /// The variant.
    pub variant: Uuid,
    /// Its product.
    pub product: Uuid,
    /// Whose it is.
    pub vendor: Uuid,
    /// Its name in the stock.
    pub sku: String,
    /// In paisa.
    pub price_minor: i64,
    /// How many there are.
    pub stock: i32,
}

/// A buyer and the cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buyer {
    /// Who.
    pub user: Uuid,
    /// Where they pay.
    pub provider: Provider,
    /// What they do.
    pub story: Story,
    /// Articles by their place on the shelf, and how many of each.
    pub basket: Vec<(usize, i32)>,
}

/// A run of the shop.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The run; everything in it is derived from this, so that a stack that is kept up can be run again.
    pub run: Uuid,
    /// The shelf. The last article is the one of which there is one piece.
    pub articles: Vec<Article>,
    /// In the order in which they come.
    pub buyers: Vec<Buyer>,
}

impl Plan {
    /// This many buyers, and three more: the wrong amount, the one who pays too late, and the one who was faster.
    #[must_use]
    pub fn of(run: Uuid, buyers: usize) -> Self {
        let buyers = buyers.max(Story::ROUND / 2);
        let stock = PIECES_FOR_EACH.saturating_mul(i32::try_from(buyers).unwrap_or(i32::MAX));
        let mut articles: Vec<Article> = (0..ARTICLES).map(|number| article(run, number, stock)).collect();
        articles.push(article(run, ARTICLES, 1));
        let mut all: Vec<Buyer> = (0..buyers).map(|number| buyer(run, number)).collect();
        let last = |number: usize, story, provider| Buyer {
            story,
            provider,
            basket: vec![(ARTICLES, 1)],
            ..buyer(run, buyers + number)
        };
        all.push(Buyer {
            story: Story::PaysWrongAmount,
            ..buyer(run, buyers)
        });
        all.push(last(1, Story::PaysTooLate, Provider::Khalti));
        all.push(last(2, Story::TakesLastPiece, Provider::Esewa));
        Self {
            run,
            articles,
            buyers: all,
        }
    }

    /// What the cart of this buyer costs, in paisa.
    #[must_use]
    pub fn price_of(&self, buyer: &Buyer) -> i64 {
        let prices = buyer
            .basket
            .iter()
            .map(|(place, quantity)| self.articles[*place].price_minor * i64::from(*quantity));
        prices.sum()
    }

    /// How many buyers must end like this.
    #[must_use]
    pub fn ending(&self, end: End) -> usize {
        self.buyers
            .iter()
            .filter(|buyer| buyer.story.end() == end)
            .count()
    }

    /// How many buyers have this story.
    #[must_use]
    pub fn telling(&self, story: Story) -> usize {
        self.buyers.iter().filter(|buyer| buyer.story == story).count()
    }
}

fn article(run: Uuid, number: usize, stock: i32) -> Article {
    let name = run.simple().to_string();
    Article {
        variant: derived(run, "variant", number),
        product: derived(run, "product", number),
        vendor: derived(run, "vendor", number % VENDORS),
        sku: format!("{}-{number}", &name[..8]),
        price_minor: LEAST_PRICE_MINOR + i64::try_from(number).unwrap_or(0) * 12_345,
        stock,
    }
}

fn buyer(run: Uuid, number: usize) -> Buyer {
    let turn = number % Story::ROUND;
    // Every other buyer just pays, so that the odd ones are never alone with each other.
    let story = if turn.is_multiple_of(2) {
        Story::TURNS.get(turn / 2).copied().unwrap_or(Story::Pays)
    } else {
        Story::Pays
    };
    let provider = if (number / 2 + number).is_multiple_of(2) {
        Provider::Esewa
    } else {
        Provider::Khalti
    };
    Buyer {
        user: derived(run, "buyer", number),
        provider,
        story,
        basket: basket(number, story),
    }
}

/// One to three articles, from a place on the shelf that wanders, and now and then in the other direction: carts overlap in
/// every order.
fn basket(number: usize, story: Story) -> Vec<(usize, i32)> {
    let (first, lines) = (number * 5 % ARTICLES, number % 3 + 1);
    let quantity = |line: usize| i32::try_from((number + line) % 3 + 1).unwrap_or(1);
    let mut basket: Vec<_> = (0..lines)
        .map(|line| ((first + line) % ARTICLES, quantity(line)))
        .collect();
    if number % 2 == 1 {
        basket.reverse();
    }
    if story == Story::WantsTooMuch {
        basket[0].1 = TOO_MANY;
    }
    basket
}

fn derived(run: Uuid, what: &str, number: usize) -> Uuid {
    Uuid::new_v5(&run, format!("shop {what}{number}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn even_a_small_run_tells_every_story() {
        let plan = Plan::of(Uuid::from_u128(7), 24);
        assert_eq!(plan.buyers.len(), 27);
        for story in Story::TURNS.into_iter().chain([
            Story::Pays,
            Story::PaysTooLate,
            Story::TakesLastPiece,
            Story::PaysWrongAmount,
        ]) {
            assert!(plan.telling(story) > 0, "{story:?}");
        }
        for (story, wanted) in [(Story::Cancels, 2), (Story::ClosesTab, 2)] {
            let at: BTreeSet<_> = plan
                .buyers
                .iter()
                .filter(|buyer| buyer.story == story)
                .map(|buyer| buyer.provider.wire_name())
                .collect();
            assert_eq!(at.len(), wanted, "{story:?} at both gateways");
        }
    }

    #[test]
    fn a_cart_is_payable_and_names_no_article_twice() {
        let plan = Plan::of(Uuid::from_u128(7), 100);
        for buyer in &plan.buyers {
            let places: BTreeSet<_> = buyer.basket.iter().map(|(place, _)| place).collect();
            assert_eq!(places.len(), buyer.basket.len());
            assert!(plan.price_of(buyer) >= 1_000, "Khalti opens nothing below that");
        }
        let wanted: i32 = plan
            .buyers
            .iter()
            .filter(|buyer| buyer.story != Story::WantsTooMuch)
            .flat_map(|buyer| &buyer.basket)
            .filter(|(place, _)| *place == 0)
            .map(|(_, quantity)| quantity)
            .sum();
        assert!(wanted < plan.articles[0].stock, "only the last piece runs out");
    }
}
