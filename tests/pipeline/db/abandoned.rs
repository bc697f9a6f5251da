//! What was abandoned half-way never reaches the next borrower.

use super::{backend, run, run_on};
use makegood::db::{Database, ErrorClass, classify};
use makegood_tests::database::TestDatabase;
use makegood_tests::link::{Link, Mark, to_client, to_server};

/// Who borrows the connection afterwards, one after the other.
const BORROWERS: i64 = 6;

struct Bank {
    database: TestDatabase,
    link: Link,
    pool: Database,
}

impl Bank {
    /// A pool of one, warm, behind a link.
    async fn open() -> Self {
        let database = TestDatabase::create().await;
        database
            .run_sql("CREATE TABLE deposits (n bigint GENERATED ALWAYS AS IDENTITY, who text NOT NULL)")
            .await;
        let link = Link::to_url(&database.pooler_url()).await;
        let pool = database.through_link(&link, 1);
        backend(&pool).await;
        Self { database, link, pool }
    }

    /// Drops this work when the conversation has come to its last mark: that answer is on its way.
    async fn drop_at(&self, marks: &[Mark], work: impl Future) {
        let mut stop = self.link.stop_at(marks);
        tokio::select! {
            _ = work => panic!("the answer was held back"),
            () = stop.reached() => {}
        }
        self.link.release();
    }

    /// Everybody is told that it is written; then the environment goes, and it must be.
    async fn assert_next_borrowers_keep_theirs(self) {
        for _ in 0..BORROWERS {
            let written = run(&self.pool, "INSERT INTO deposits (who) VALUES ('a borrower')").await;
            written.expect("the insert is acknowledged");
        }
        self.pool.close();
        drop(self.pool);
        let kept = "SELECT count(*) FROM deposits WHERE who = 'a borrower'";
        assert_eq!(self.database.count(kept).await, BORROWERS);
        self.database.drop().await;
    }
}

#[tokio::test]
async fn a_begin_whose_answer_comes_too_late_takes_no_rows_of_another_borrower_along() {
    let bank = Bank::open().await;
    let marks = [to_server("BEGIN"), to_client("BEGIN\0")];
    bank.drop_at(&marks, bank.pool.begin()).await;
    assert_eq!(bank.pool.idle(), 0, "the connection is closed");
    bank.assert_next_borrowers_keep_theirs().await;
}

#[tokio::test]
async fn a_commit_whose_answer_comes_too_late_does_not_reach_the_next_borrower() {
    let bank = Bank::open().await;
    let work = async {
        let mut transaction = bank.pool.begin().await.unwrap();
        run_on(
            &mut transaction,
            "INSERT INTO deposits (who) VALUES ('the first')",
        )
        .await
        .unwrap();
        transaction.commit().await
    };
    bank.drop_at(&[to_server("COMMIT"), to_client("COMMIT\0")], work)
        .await;
    assert_eq!(bank.pool.idle(), 0, "the connection is closed");
    let written = "SELECT count(*) FROM deposits WHERE who = 'the first'";
    assert_eq!(
        bank.database.count(written).await,
        1,
        "the server had committed it"
    );
    bank.assert_next_borrowers_keep_theirs().await;
}

#[tokio::test]
async fn an_answer_that_was_not_waited_for_is_not_read_by_the_next_borrower() {
    let bank = Bank::open().await;
    let question = async {
        let mut connection = bank.pool.acquire().await.unwrap();
        sqlx::query_scalar::<_, String>("SELECT 'the first ' || 'answer'")
            .fetch_one(&mut connection)
            .await
    };
    bank.drop_at(&[to_client("the first answer")], question).await;
    let mut connection = bank.pool.acquire().await.unwrap();
    let own: String = sqlx::query_scalar("SELECT 'the second ' || 'answer'")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(own, "the second answer");
    drop(connection);
    bank.assert_next_borrowers_keep_theirs().await;
}

#[tokio::test]
async fn a_transaction_that_is_dropped_is_rolled_back_and_its_connection_closed() {
    let bank = Bank::open().await;
    let mut transaction = bank.pool.begin().await.unwrap();
    run_on(
        &mut transaction,
        "INSERT INTO deposits (who) VALUES ('the first')",
    )
    .await
    .unwrap();
    drop(transaction);
    assert_eq!((bank.pool.idle(), bank.pool.in_use()), (0, 0));
    let written = "SELECT count(*) FROM deposits WHERE who = 'the first'";
    assert_eq!(bank.database.count(written).await, 0);
    bank.assert_next_borrowers_keep_theirs().await;
}

#[tokio::test]
async fn a_transaction_that_is_rolled_back_gives_its_connection_back() {
    let bank = Bank::open().await;
    let transaction = bank.pool.begin().await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!((bank.pool.idle(), bank.pool.in_use()), (1, 0));
    bank.assert_next_borrowers_keep_theirs().await;
}

#[tokio::test]
async fn a_commit_after_a_failed_statement_is_an_error_and_writes_nothing() {
    let bank = Bank::open().await;
    let mut transaction = bank.pool.begin().await.unwrap();
    run_on(
        &mut transaction,
        "INSERT INTO deposits (who) VALUES ('the first')",
    )
    .await
    .unwrap();
    // Swallowed, as a best-effort statement is.
    let failed = run_on(&mut transaction, "INSERT INTO deposits (who) VALUES (NULL)").await;
    assert_eq!(classify(&failed.unwrap_err()), ErrorClass::SchemaDrift);
    let committed = transaction.commit().await.expect_err("nothing is committed");
    assert_eq!(classify(&committed), ErrorClass::Aborted, "{committed}");
    assert_eq!(
        (bank.pool.idle(), bank.pool.in_use()),
        (1, 0),
        "rolled back, so it is whole"
    );
    assert_eq!(bank.database.count("SELECT count(*) FROM deposits").await, 0);
    bank.assert_next_borrowers_keep_theirs().await;
}
