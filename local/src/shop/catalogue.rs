//! The shop around Makegood, as its other services would have left it: vendors, products, stock, carts.

use super::stories::{Buyer, Plan};
use anyhow::Result;
use sqlx::PgPool;
use uuid::Uuid;

/// Puts the articles on the shelf.
pub(super) async fn stock_shelves(pool: &PgPool, plan: &Plan) -> Result<()> {
    let of = |what: fn(&super::stories::Article) -> Uuid| plan.articles.iter().map(what).collect::<Vec<_>>();
    let (variants, products, vendors) = (
        of(|article| article.variant),
        of(|article| article.product),
        of(|article| article.vendor),
    );
    let skus: Vec<String> = plan.articles.iter().map(|article| article.sku.clone()).collect();
    let prices: Vec<i64> = plan.articles.iter().map(|article| article.price_minor).collect();
    let stock: Vec<i32> = plan.articles.iter().map(|article| article.stock).collect();
    let mut transaction = pool.begin().await?;
    sqlx::query!(
        "INSERT INTO vendor_profiles (user_id, business_name)
         SELECT DISTINCT v, 'Vendor ' || left(v::text, 4) FROM unnest($1::uuid[]) v ON CONFLICT (user_id) DO NOTHING",
        &vendors
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query!(
        "INSERT INTO products (id, vendor_id, name, slug)
         SELECT p, v, 'Article ' || s, s FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS a (p, v, s)",
        &products,
        &vendors,
        &skus
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query!(
        "INSERT INTO product_variants (id, product_id, sku, price_cents)
         SELECT v, p, s, c FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[]) AS a (v, p, s, c)",
        &variants,
        &products,
        &skus,
        &prices
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query!(
        "INSERT INTO inventory (variant_id, quantity_available)
         SELECT v, q FROM unnest($1::uuid[], $2::integer[]) AS a (v, q)",
        &variants,
        &stock
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(())
}

/// Fills everybody's cart.
pub(super) async fn fill_carts(pool: &PgPool, plan: &Plan) -> Result<()> {
    let users: Vec<Uuid> = plan.buyers.iter().map(|buyer| buyer.user).collect();
    sqlx::query!("INSERT INTO carts (user_id) SELECT unnest($1::uuid[])", &users)
        .execute(pool)
        .await?;
    let lines = plan
        .buyers
        .iter()
        .flat_map(|buyer| buyer.basket.iter().map(move |line| (buyer.user, *line)));
    let (mut owners, mut variants, mut quantities, mut prices) = (vec![], vec![], vec![], vec![]);
    for (user, (place, quantity)) in lines {
        owners.push(user);
        variants.push(plan.articles[place].variant);
        quantities.push(quantity);
        prices.push(plan.articles[place].price_minor);
    }
    put(pool, &owners, &variants, &quantities, &prices).await
}

/// Puts one more piece of an article that is not in it into the cart of this buyer; gives back the variant.
pub(super) async fn add_to_cart(pool: &PgPool, plan: &Plan, buyer: &Buyer) -> Result<Option<Uuid>> {
    let in_cart = |place: usize| buyer.basket.iter().any(|(other, _)| *other == place);
    // Not the last piece.
    let free = (0..plan.articles.len() - 1).find(|place| !in_cart(*place));
    let Some(article) = free.map(|place| &plan.articles[place]) else {
        return Ok(None);
    };
    put(
        pool,
        &[buyer.user],
        &[article.variant],
        &[1],
        &[article.price_minor],
    )
    .await?;
    Ok(Some(article.variant))
}

async fn put(
    pool: &PgPool,
    owners: &[Uuid],
    variants: &[Uuid],
    quantities: &[i32],
    prices: &[i64],
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO cart_items (cart_id, variant_id, quantity, price_snapshot_cents)
         SELECT c.id, a.v, a.q, a.p
         FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::bigint[]) AS a (u, v, q, p)
         JOIN carts c ON c.user_id = a.u",
        owners,
        variants,
        quantities,
        prices
    )
    .execute(pool)
    .await?;
    Ok(())
}
