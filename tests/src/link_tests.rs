//! What a link promises: all passes until the marks are met in order, and what is held or cut is exactly that.

use super::*;

/// A server that answers each byte with the next one.
async fn counting_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                while let Ok(byte) = client.read_u8().await {
                    if client.write_u8(byte + 1).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

async fn ask(client: &mut TcpStream, byte: u8) -> Option<u8> {
    client.write_u8(byte).await.ok()?;
    client.read_u8().await.ok()
}

#[tokio::test]
async fn marks_are_met_in_order_and_across_reads_and_what_is_held_comes_after_the_release() {
    let link = Link::to(&counting_server().await).await;
    let mut client = TcpStream::connect(link.address()).await.unwrap();
    assert_eq!(
        ask(&mut client, b'x').await,
        Some(b'y'),
        "without a plan all passes"
    );

    let mut stop = link.stop_at(&[to_server("ab"), to_client("d")]);
    for byte in [b'c', b'a', b'c', b'a', b'b'] {
        assert_eq!(ask(&mut client, byte).await, Some(byte + 1));
        assert!(!stop.is_reached(), "the marks are not complete at {byte}");
    }
    client.write_u8(b'c').await.unwrap();
    stop.reached().await;
    let mut other = TcpStream::connect(link.address()).await.unwrap();
    other.write_u8(b'x').await.unwrap();
    let mut nothing = [0; 1];
    assert!(client.try_read(&mut nothing).is_err(), "the answer is held");
    assert!(other.try_read(&mut nothing).is_err(), "every connection is held");

    link.release();
    assert_eq!(client.read_u8().await.unwrap(), b'd');
    assert_eq!(other.read_u8().await.unwrap(), b'y');
}

#[tokio::test]
async fn a_cut_closes_one_connection_and_leaves_the_next_alone() {
    let link = Link::to(&counting_server().await).await;
    let mut stop = link.cut_at(&[to_server("q")]);
    let mut client = TcpStream::connect(link.address()).await.unwrap();
    assert_eq!(ask(&mut client, b'q').await, None);
    stop.reached().await;
    let mut next = TcpStream::connect(link.address()).await.unwrap();
    assert_eq!(ask(&mut next, b'q').await, Some(b'r'));
    link.cut();
    assert_eq!(
        ask(&mut next, b'a').await,
        None,
        "an order to cut closes what is open"
    );
}

#[tokio::test]
async fn a_peer_that_vanished_answers_nothing_and_closes_nothing_and_new_connections_are_carried() {
    let link = Link::to(&counting_server().await).await;
    let mut old = TcpStream::connect(link.address()).await.unwrap();
    assert_eq!(ask(&mut old, b'x').await, Some(b'y'));
    link.hold_open_connections();
    let mut new = TcpStream::connect(link.address()).await.unwrap();
    old.write_u8(b'x').await.unwrap();
    for _ in 0..3 {
        assert_eq!(ask(&mut new, b'x').await, Some(b'y'));
    }
    // Neither an answer nor the end: there is nothing to read.
    let mut byte = [0];
    let read = old.try_read(&mut byte);
    assert!(
        read.as_ref()
            .is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock),
        "{read:?}"
    );
}

#[tokio::test]
async fn each_turn_of_the_client_is_a_round_trip_however_much_is_said_in_it() {
    let link = Link::to(&counting_server().await).await;
    let mut one = TcpStream::connect(link.address()).await.unwrap();
    let mut other = TcpStream::connect(link.address()).await.unwrap();
    for _ in 0..2 {
        assert_eq!(ask(&mut one, b'x').await, Some(b'y'));
    }
    assert_eq!(ask(&mut other, b'x').await, Some(b'y'));
    assert_eq!(link.round_trips(), 3);
    one.write_all(b"xx").await.unwrap();
    assert_eq!(
        (one.read_u8().await.unwrap(), one.read_u8().await.unwrap()),
        (b'y', b'y')
    );
    assert_eq!(link.round_trips(), 4);
}
